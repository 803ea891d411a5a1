"""Which webhook a path belongs to."""

from collections.abc import Iterator, Mapping

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.events.source import Format, Source
from pipeline.events.webhook import Webhook

PREFIX = "/webhooks/"
ANY_SENDER = PREFIX + "{sender}"
"""The route of paths that have none of their own, as metrics and problems name it."""


class Door(msgspec.Struct, frozen=True):
    """A registered webhook with the credentials that are configured for it."""

    source: Source
    webhook: Webhook
    credentials: msgspec.Struct

    @property
    def name(self) -> str:
        return self.webhook.name

    @property
    def route(self) -> str:
        """The path, or its template."""
        return ANY_SENDER if self.webhook.any_sender else PREFIX + self.webhook.name

    @property
    def format(self) -> Format:
        """What judges its updates."""
        return self.source.formats[self.webhook.format]

    @property
    def is_configured(self) -> bool:
        """Whether anything at all was set: a handshake may come before the secret that signs."""
        return self.credentials != type(self.credentials)()

    def knows(self, sender: str) -> bool:
        """Whether there is a secret for the sender."""
        return self.webhook.knows(self.credentials, sender)


class Doors:
    """All doors. `credentials` has the Struct of each webhook by its name; a missing one has its defaults.

    Raises ConfigurationError when a secret is given to a sender that has the name of a provider.
    """

    def __init__(self, sources: Mapping[str, Source], credentials: Mapping[str, msgspec.Struct]) -> None:
        self._named: dict[str, Door] = {}
        self._any: Door | None = None
        for source in sources.values():
            for webhook in source.webhooks:
                door = Door(source, webhook, credentials.get(webhook.name) or webhook.credentials())
                self._add(door)
        self._check_names()

    def _add(self, door: Door) -> None:
        if door.name in self._named or (self._any is not None and door.webhook.any_sender):
            raise ValueError(f"webhook {door.name!r}: there is one already")
        if door.webhook.any_sender:
            self._any = door
        else:
            self._named[door.name] = door

    def _check_names(self) -> None:
        """A sender with the name of a provider would never be asked for its own secret."""
        for name in self._named:
            if self._any is not None and self._any.knows(name):
                given, unset = self._any.credentials, type(self._any.credentials)()
                variables = [
                    field
                    for field in given.__struct_fields__
                    if getattr(given, field) != getattr(unset, field)
                ]
                names = ", ".join(variables).upper()
                raise ConfigurationError(
                    f"{names}: {name!r} cannot be a sender: {PREFIX}{name} is a provider's own"
                )

    def __iter__(self) -> Iterator[Door]:
        yield from self._named.values()
        if self._any is not None:
            yield self._any

    def find(self, sender: str) -> Door | None:
        """The sender's own door, else the one for any sender, if there is one."""
        return self._named.get(sender) or self._any


def sender_of(path: str) -> str:
    """The last part of a path below `/webhooks/`."""
    return path.removeprefix(PREFIX).rstrip("/")
