"""How an event that names its own source is judged: the same at the gateway and when a dead letter is replayed."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason, Rejection, rejection_of
from pipeline.events.source import Format, Source
from pipeline.events.text import text_rejection


class _Head(msgspec.Struct):
    source: str


_decode_head = msgspec.json.Decoder(_Head).decode


_NO_EVENT = Rejection(
    Reason.MALFORMED_JSON,
    "$",
    "not one JSON event, but a body that could not be cut into events: send it anew",
)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Where an event belongs, as far as it is known, and what is wrong with it, if anything is."""

    source: str
    format: str
    rejection: Rejection | None


class EventJudge:
    """Knows the sources, the formats and the size limit of an event."""

    def __init__(self, sources: Mapping[str, Source], event_size_limit: int) -> None:
        self._sources = sources
        self._formats = {
            name: source.formats[source.event_format]
            for name, source in sources.items()
            if source.event_format
        }
        self._event_size_limit = event_size_limit

    def judge(
        self, raw: bytes | msgspec.Raw, now: datetime, *, check_text: bool = True
    ) -> tuple[str, Rejection | None]:
        """The name of the source that the event belongs to, empty where it names none that takes events, and why it
        is refused, None when it is not. `check_text` is off when a look at many events at once has found nothing.
        """
        # The size comes first: everything else takes time in proportion to it.
        if len(memoryview(raw)) > self._event_size_limit:
            return self._known_source_of(raw), self._too_large()
        if check_text and (rejection := text_rejection(bytes(raw))):
            return "", rejection
        try:
            name = _decode_head(raw).source
        except (msgspec.MsgspecError, RecursionError) as error:
            return "", rejection_of(error)
        wanted = self._formats.get(name)
        if wanted is None:
            return "", self._unknown_source(name)
        outcome = wanted.judge(raw, now)
        return name, outcome if isinstance(outcome, Rejection) else None

    def judge_letter(self, letter: DeadLetter, now: datetime) -> Verdict:
        """A dead letter by the rules of today: in the format that it came in, else by the source that it names."""
        source = self._sources.get(letter.source)
        if source is not None and letter.format:
            known = source.formats.get(letter.format)
            return Verdict(letter.source, letter.format, self._rejection_in(known, letter, now))
        name, rejection = self.judge(letter.raw, now)
        if rejection and letter.rejection.reason is Reason.MALFORMED_JSON and not _is_object(letter.raw):
            return Verdict(letter.source, letter.format, _NO_EVENT)
        found = self._formats.get(name)
        if found is None:
            return Verdict(letter.source, letter.format, rejection)
        return Verdict(name, found.name, rejection)

    def _rejection_in(self, known: Format | None, letter: DeadLetter, now: datetime) -> Rejection | None:
        if known is None:
            detail = f"unknown format {letter.format[:80]!r}"
            return Rejection(Reason.UNSUPPORTED_FORMAT, "$", detail)
        if len(letter.raw) > self._event_size_limit:
            return self._too_large()
        if rejection := text_rejection(letter.raw):
            return rejection
        outcome = known.judge(letter.raw, now)
        return outcome if isinstance(outcome, Rejection) else None

    def _too_large(self) -> Rejection:
        limit = self._event_size_limit
        return Rejection(Reason.TOO_LARGE, "$", f"larger than {limit} bytes (EVENT_SIZE_LIMIT)")

    def _known_source_of(self, raw: bytes | msgspec.Raw) -> str:
        try:
            name = _decode_head(raw).source
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return ""
        return name if name in self._formats else ""

    def _unknown_source(self, name: str) -> Rejection:
        detail = f"unknown source {name[:40]!r}, use one of: {', '.join(self._formats)}"
        return Rejection(Reason.SCHEMA_VIOLATION, "$.source", detail)


def _is_object(raw: bytes) -> bool:
    return raw.lstrip(b" \t\r\n").startswith(b"{")
