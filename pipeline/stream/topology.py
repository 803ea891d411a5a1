# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""The streams and what each promises (DESIGN D9). Every process ensures them, idempotently, changed limits included.

Where programs have as few rights as they need, one of them does (`sluice streams ensure`), and the others look.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from pipeline.errors import StreamUnavailable
from pipeline.events.dead_letter_batch import MAX_BATCH_BYTES

if TYPE_CHECKING:
    from pipeline.stream.connection import StreamSettings

EVENTS = "EVENTS"
DEAD_LETTERS = "DEAD_LETTERS"
NOTIFICATIONS = "NOTIFICATIONS"

_CHANGEABLE = (
    "subjects", "discard", "max_bytes", "max_msgs_per_subject", "max_age", "num_replicas", "allow_atomic",
    "allow_direct",
)  # fmt: skip
"""What of a stream can be changed once it is there."""

_LANES = ((4 * 1024, 64), (32 * 1024, 8))
"""Messages of dead letters up to so many bytes are spread over so many subjects."""

_LARGEST_SHARE = 4
"""A flood of one kind of dead letters may take up a fourth of the stream: the few letters of another kind stay."""


def events_subject(source: str) -> str:
    """The subject of a source's record batches."""
    return f"events.{source}"


def consumer_name(source: str) -> str:
    """The durable consumer that all collectors of a source share."""
    return f"{source}-collector"


def dead_subject(source: str, reason: str, size: int, number: int) -> str:
    """The subject of a message of dead letters that is so many bytes long. `number` is any number of its own.

    JetStream bounds a subject by its messages, not by their bytes. So messages of one (source, reason) go to one
    subject when they are large and spread over many when they are small: whichever they are, they may take up about as
    many bytes.
    """
    lanes = next((lanes for largest, lanes in _LANES if size <= largest), 1)
    return f"dead.{source}.{reason}.{lanes}-{number % lanes}"


def dead_subjects(source: str | None, reason: str | None) -> str:
    """All subjects of the dead letters of a source, for a reason; None stands for all of them."""
    return f"dead.{source or '*'}.{reason or '*'}.*"


def source_and_reason(subject: str) -> tuple[str, str]:
    """What the subject of a message of dead letters says."""
    _, source, reason, *_ = f"{subject}..".split(".")
    return source, reason


def user_subject(user_id: str) -> str:
    """The subject of what one user is told."""
    return f"notifications.user.{_token(user_id)}"


def topic_subject(topic: str) -> str:
    """The subject of what all who follow a topic are told."""
    return f"notifications.topic.{_token(topic)}"


def _token(name: str) -> str:
    """Any name as one token of a subject: percent-encoded as in a URL, the dot too, which would end the token.

    No two names have the same token, and none has a wildcard in it. Text that is no Unicode matches nobody.
    """
    return quote(name, safe="", errors="surrogatepass").replace(".", "%2E")


def stream_configs(settings: "StreamSettings") -> list[StreamConfig]:
    """The streams as they should be."""
    return [
        StreamConfig(
            name=EVENTS,
            description="Record batches on their way to a collector; gone once acknowledged",
            subjects=["events.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            # Full means 503 at the gateway, never the loss of what was acknowledged before.
            discard=DiscardPolicy.NEW,
            max_bytes=settings.events_max_bytes,
            num_replicas=settings.stream_replicas,
            duplicate_window=120,
        ),
        StreamConfig(
            name=DEAD_LETTERS,
            description="What was refused, with its reason, to look at and to replay",
            subjects=["dead.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            # A flood of bad events pushes out the oldest bad ones, of its own kind first, never the good ones.
            discard=DiscardPolicy.OLD,
            max_bytes=settings.dead_letters_max_bytes,
            max_msgs_per_subject=max(1, settings.dead_letters_max_bytes // _LARGEST_SHARE // MAX_BATCH_BYTES),
            max_age=settings.dead_letters_max_age_days * 86400,
            num_replicas=settings.stream_replicas,
            duplicate_window=120,
        ),
        StreamConfig(
            name=NOTIFICATIONS,
            description="What people are told, kept for those who were away for a while",
            subjects=["notifications.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_bytes=settings.notifications_max_bytes,
            max_age=settings.notifications_max_age_hours * 3600,
            num_replicas=settings.stream_replicas,
            # Longer than a collector is away that has died between publishing and saying so.
            duplicate_window=600,
            # What one transaction tells is there all at once, for one write to disk; see `notifications.py`.
            allow_atomic=True,
            # What somebody has missed is read without a consumer; see `notification_backlog.py`.
            allow_direct=True,
        ),
    ]


def deviations(found: StreamConfig, wanted: StreamConfig) -> dict[str, Any]:
    """What of a stream is not as it should be and can be changed, with the values that it should have."""
    # Compared with what evolving the found configuration would change: servers add fields of their own.
    return {
        name: value
        for name in _CHANGEABLE
        if (value := getattr(wanted, name)) is not None and getattr(found, name) != value
    }


async def ensure_topology(
    jetstream: JetStreamContext, settings: "StreamSettings", *, change: bool = True
) -> list[StreamInfo]:
    """Creates what is missing and updates what differs; with `change=False` what differs stays as it is.

    Returns the streams as they are now. Raises what nats raises when the server will not.
    """
    streams: list[StreamInfo] = []
    for wanted in stream_configs(settings):
        try:
            found = await jetstream.stream_info(wanted.name or "")
        except NotFoundError:
            streams.append(await jetstream.add_stream(wanted))
            continue
        if change and (changes := deviations(found.config, wanted)):
            found = await jetstream.update_stream(found.config.evolve(**changes))
        streams.append(found)
    return streams


async def check_topology(jetstream: JetStreamContext, settings: "StreamSettings") -> list[StreamInfo]:
    """Returns the streams as they are, and changes nothing. One whose limits differ is used all the same.

    Raises StreamUnavailable when one is missing, and what nats raises when the server will not answer.
    """
    streams: list[StreamInfo] = []
    for wanted in stream_configs(settings):
        try:
            streams.append(await jetstream.stream_info(wanted.name or ""))
        except NotFoundError:
            raise StreamUnavailable(
                f"there is no stream {wanted.name}: run `sluice streams ensure`"
            ) from None
    return streams


def differing(streams: Sequence[StreamInfo], settings: "StreamSettings") -> dict[str, list[str]]:
    """What of the streams is not as the settings have it: the names of fields by the name of the stream."""
    wanted = {config.name: config for config in stream_configs(settings)}
    return {
        info.config.name or "": sorted(fields)
        for info in streams
        if (fields := deviations(info.config, wanted[info.config.name]))
    }
