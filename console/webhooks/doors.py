"""Who may deliver: every registered webhook, with what is configured for it."""

from collections.abc import Iterator
from typing import cast

import msgspec

from collectors.registry import SOURCES
from console.context import Context
from pipeline.events.source import Source
from pipeline.events.webhook import Webhook


class Door(msgspec.Struct, frozen=True):
    """A webhook and its credentials, as one sender meets them; `sender` is the last part of the path."""

    source: Source
    webhook: Webhook
    credentials: msgspec.Struct
    sender: str

    @property
    def path(self) -> str:
        return f"/webhooks/{self.sender}"

    @property
    def is_configured(self) -> bool:
        """Whether there is a secret: without one the gateway takes nothing."""
        return self.webhook.knows(self.credentials, self.sender)

    @property
    def secrets_variable(self) -> str:
        """Which environment variable holds the secrets."""
        return self.secrets_field.upper()

    @property
    def missing(self) -> list[str]:
        """Variables without a value."""
        return [name for name, texts in texts_of(self.credentials) if not texts]

    @property
    def secrets_field(self) -> str:
        """Of the credentials: the one that is a list of texts."""
        return next(f.name for f in msgspec.structs.fields(self.credentials) if isinstance(f.default, tuple))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those of this sender, as they are configured. Never to be shown."""
        configured: tuple[str, ...] = getattr(self.credentials, self.secrets_field)
        return tuple(each for each in configured if not self.webhook.any_sender or self._owns(each))

    def with_secrets(self, *secrets: str) -> msgspec.Struct:
        """The credentials as if these were all secrets. Raises ValueError for what is none of its webhook."""
        return msgspec.structs.replace(self.credentials, **{self.secrets_field: secrets})

    def _owns(self, entry: str) -> bool:
        return entry.partition(":")[0].strip() == self.sender


def all_doors(context: Context) -> Iterator[Door]:
    """Every webhook, and every sender that has a name of its own. Raises WrongSetting."""
    for source in SOURCES.values():
        for webhook in source.webhooks:
            credentials = context.load(webhook.credentials)
            if webhook.any_sender:
                for name in senders_in(credentials):
                    yield Door(source, webhook, credentials, name)
            else:
                yield Door(source, webhook, credentials, webhook.name)


def senders_in(credentials: msgspec.Struct) -> list[str]:
    """The names in a list of `name:secret`, each once, in their order."""
    entries = [text for _, texts in texts_of(credentials) for text in texts]
    return list(dict.fromkeys(entry.partition(":")[0].strip() for entry in entries))


def texts_of(credentials: msgspec.Struct) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every variable that holds a text or a list of texts, and the texts that are configured. Never to be shown."""
    for name, value in msgspec.structs.asdict(credentials).items():
        if isinstance(value, str):
            yield name.upper(), (value,) if value else ()
        elif isinstance(value, tuple):
            yield name.upper(), cast("tuple[str, ...]", value)
