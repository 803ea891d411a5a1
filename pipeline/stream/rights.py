"""What each program may say to a NATS server and hear from it: as little as it needs.

`sluice streams rights` writes it as the server's configuration (`ops/nats/users.conf`). Here it stands beside the code
that asks: whoever lets a program ask something new adds it here, and the tests run every program with these rights.

Nobody has a right to `$SYS`, to create a stream or to change one, but for the programs that are there for that.
A program hears only its own inbox, so it cannot listen to what others are answered.
"""

from collections.abc import Iterable, Mapping

import msgspec

from pipeline.stream.connection import inbox_prefix
from pipeline.stream.topology import DEAD_LETTERS, EVENTS, NOTIFICATIONS, consumer_name, events_subject

_API = "$JS.API"


class Rights(msgspec.Struct, frozen=True):
    """Subjects that a program may publish to, and those that it may subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


class SourceName(msgspec.Struct, frozen=True):
    """A source, and whether what it stores tells people something."""

    name: str
    notifies: bool = False


def rights_of_programs(sources: Iterable[SourceName]) -> Mapping[str, Rights]:
    """The rights by the name of the program, which is also the name by which it connects.

    `console` is an operator's: it looks at everything, replays and discards dead letters. `topology` puts the streams
    in place, and may do nothing else. `backup` copies them, and puts copies in their place.
    """
    collectors = {f"{source.name}-collector": _collector(source) for source in sources}
    return {
        "gateway": _rights(
            "gateway",
            "events.*",
            "dead.>",
            *_looking(),
            *_following_notifications(),
            *_reading_dead_letters(),
            *_settling_dead_letters(),
        ),
        **collectors,
        "alerts": _rights("alerts", "notifications.>", *_looking(), *_reading_dead_letters()),
        "console": _rights(
            "console",
            "events.*",
            "dead.>",
            *_looking(),
            f"{_API}.CONSUMER.INFO.{EVENTS}.*",
            f"{_API}.STREAM.MSG.GET.{EVENTS}",
            *_reading_dead_letters(),
            *_settling_dead_letters(),
        ),
        "topology": _rights("topology", *_looking(), *_on_streams("CREATE"), *_on_streams("UPDATE")),
        "backup": _rights(
            "backup",
            *_looking(),
            *_on_streams("SNAPSHOT"),
            "$JS.SNAPSHOT.ACK.>",
            *_on_streams("DELETE"),
            *_on_streams("RESTORE"),
            "$JS.SNAPSHOT.RESTORE.>",
        ),
    }


def _collector(source: SourceName) -> Rights:
    name, consumer = f"{source.name}-collector", consumer_name(source.name)
    return _rights(
        name,
        f"dead.{source.name}.>",
        *(("notifications.>",) if source.notifies else ()),
        *_looking(),
        # The consumer's name and filter are part of the subject, so it can be no other.
        f"{_API}.CONSUMER.CREATE.{EVENTS}.{consumer}.{events_subject(source.name)}",
        f"{_API}.CONSUMER.INFO.{EVENTS}.{consumer}",
        f"{_API}.CONSUMER.MSG.NEXT.{EVENTS}.{consumer}",
        f"$JS.ACK.{EVENTS}.{consumer}.>",
        # How old is the oldest batch that waits? Only the batch itself tells. The server has no such right for one
        # source alone: a collector that is not itself any more could look at others' batches, but not take them.
        f"{_API}.STREAM.MSG.GET.{EVENTS}",
    )


def _looking() -> tuple[str, ...]:
    """Whether the streams are in place, and how full they are."""
    return _on_streams("INFO")


def _on_streams(request: str) -> tuple[str, ...]:
    return tuple(f"{_API}.STREAM.{request}.{stream}" for stream in (EVENTS, DEAD_LETTERS, NOTIFICATIONS))


def _following_notifications() -> tuple[str, ...]:
    return (
        f"{_API}.CONSUMER.CREATE.{NOTIFICATIONS}.*",
        f"{_API}.STREAM.MSG.GET.{NOTIFICATIONS}",
        f"{_API}.DIRECT.GET.{NOTIFICATIONS}",
        f"$JS.FC.{NOTIFICATIONS}.>",
    )


def _reading_dead_letters() -> tuple[str, ...]:
    return (
        f"{_API}.CONSUMER.CREATE.{DEAD_LETTERS}.>",
        f"{_API}.CONSUMER.MSG.NEXT.{DEAD_LETTERS}.*",
        f"{_API}.CONSUMER.DELETE.{DEAD_LETTERS}.*",
    )


def _settling_dead_letters() -> tuple[str, ...]:
    return (f"{_API}.STREAM.MSG.DELETE.{DEAD_LETTERS}", f"{_API}.STREAM.MSG.GET.{DEAD_LETTERS}")


def _rights(name: str, *publish: str) -> Rights:
    return Rights(publish, (f"{inbox_prefix(name)}.>",))


def server_configuration(rights: Mapping[str, Rights]) -> str:
    """The users of a NATS server, each known by its certificate: the list of an `authorization` block."""
    lines = [
        "# Written by `sluice streams rights`. Do not edit: a test compares it with the code.",
        "",
        "users = [",
    ]
    for name, each in rights.items():
        lines += ["    {", f'        user: "{name}"', "        permissions {"]
        for verb, subjects in (("publish", each.publish), ("subscribe", each.subscribe)):
            lines += [f"            {verb} {{ allow: ["]
            lines += [f'                "{subject}"' for subject in subjects]
            lines += ["            ] }"]
        lines += ["        }", "    }"]
    return "\n".join([*lines, "]", ""])
