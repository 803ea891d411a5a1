"""What may have been signed in place of what arrived, and with what: the mistakes that are made again and again."""

import json
from base64 import b64encode
from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"
_SIGNING_PREFIX = "whsec_"
_ADDED = (
    "the body has a newline at its end that was not signed: an editor or echo adds one "
    "(write it with printf, send it with curl --data-binary)"
)
_DROPPED = (
    "what was signed ends with a newline that is missing here: curl --data drops it, --data-binary does not"
)


def bodies_like(body: bytes) -> Iterator[tuple[bytes, str]]:
    """Other bodies, each with what must have happened if it is the one that was signed."""
    yield from _other_ends(body)
    if b"\r\n" in body:
        yield body.replace(b"\r\n", b"\n"), "line ends were changed from LF to CRLF after it was signed"
    elif b"\n" in body:
        yield body.replace(b"\n", b"\r\n"), "line ends were changed from CRLF to LF after it was signed"
    if body.startswith(_BOM):
        yield body[len(_BOM) :], "a byte order mark was put before it after it was signed"
    yield from _other_spellings(body)
    if body:
        yield b"", "the signature is that of an empty body: it was signed before the body was there"


def _other_ends(body: bytes) -> Iterator[tuple[bytes, str]]:
    stripped = body.rstrip(b"\r\n")
    if stripped != body:
        yield stripped, _ADDED
        yield body.removesuffix(b"\n").removesuffix(b"\r"), _ADDED
    for end in (b"\n", b"\r\n"):
        yield body + end, _DROPPED
    if body.strip() != stripped:
        yield body.strip(), "blanks around the body were added after it was signed"


def _other_spellings(body: bytes) -> Iterator[tuple[bytes, str]]:
    """The same JSON as other programs write it."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return
    written = "the body was parsed and written anew after it was signed: pass on the bytes as they come"
    for ascii_only in (True, False):
        for separators in ((",", ":"), (", ", ": "), (",", ": ")):
            text = json.dumps(document, ensure_ascii=ascii_only, separators=separators)
            yield from ((each, written) for each in _ways(text))
        for indent in (2, 4):
            text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
            yield from ((each, written) for each in _ways(text))


def _ways(text: str) -> Iterator[bytes]:
    """With slashes escaped or not, and with a newline at the end or without."""
    for spelling in (text, text.replace("/", "\\/")):
        written = spelling.encode("utf-8", "surrogatepass")
        yield from (written, written + b"\n")


def secrets_like(secret: str) -> Iterator[tuple[str, str]]:
    """Other spellings of a secret or of an entry `name:secret`, each with what must be wrong if it is the right one."""
    name, colon, value = secret.rpartition(":")
    for spelling, mistake in _spellings(value):
        yield f"{name}{colon}{spelling}", mistake


def _spellings(value: str) -> Iterator[tuple[str, str]]:
    if value.startswith(_SIGNING_PREFIX):
        text = value.removeprefix(_SIGNING_PREFIX)
        for raw in (text, value):
            as_key = _SIGNING_PREFIX + b64encode(raw.encode()).decode()
            yield as_key, "it was signed with the text of the secret: the key is what its base64 decodes to"
        return
    unquoted = value.strip("\"'")
    if unquoted != value:
        yield unquoted, "the configured secret has quotes around it that do not belong to it"
    if value.strip() != value:
        yield value.strip(), "the configured secret has white space around it"
    for end in ("\n", "\r\n", " "):
        yield (
            value + end,
            "it was signed with white space behind the secret: the sender read it from a file with a newline",
        )
