"""A CloudEvent in binary mode: its attributes in `ce-*` headers, its data the body (HTTP protocol binding, 3.1)."""

import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from pipeline.events.reasons import Reason, Rejection
from pipeline.events.text import text_rejection

PREFIX = "ce-"

_NAME = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ENCODED = re.compile(r"(?:[ !\"#$&-~]|%[0-9A-Fa-f]{2})*", re.ASCII)
_JSON = re.compile(r"[^/]+/(?:[^/]+\+)?json", re.IGNORECASE)
_NOT_ATTRIBUTES = {"data", "datacontenttype"}
"""The data is the body, and what it is is said by Content-Type."""

_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether there is any attribute among the headers."""
    return any(name.startswith(PREFIX) for name in headers)


def event_of(headers: Mapping[str, str], body: bytes) -> bytes | Rejection:
    """The event in structured JSON. What is missing in it is for the format to say."""
    attributes: dict[str, str] = {}
    for header, value in headers.items():
        name = header.removeprefix(PREFIX)
        if name == header or name in _NOT_ATTRIBUTES:
            continue
        decoded = _decoded(value)
        if not _NAME.fullmatch(name) or decoded is None:
            detail = f"header {header[:70]!r} is no attribute of a CloudEvent in percent-encoded UTF-8"
            return Rejection(Reason.SCHEMA_VIOLATION, "$", detail)
        attributes[name] = decoded
    content_type = headers.get("content-type", "").strip(" \t")
    if content_type:
        attributes["datacontenttype"] = content_type
    # The data comes last, so that nothing can count in its place.
    data = _data(content_type.partition(";")[0].strip(" \t"), body)
    return b"{%b}" % b",".join(filter(None, (_encode(attributes)[1:-1], data)))


def _decoded(value: str) -> str | None:
    """One round of percent-decoding, after the quotes of HTTP are taken off; None when it is not what it should be."""
    if quoted := _QUOTED.fullmatch(value):
        value = _ESCAPED.sub(r"\1", quoted[1])
    if not _ENCODED.fullmatch(value):
        return None
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return None


def _data(media_type: str, body: bytes) -> bytes:
    """The last member: JSON as it is; anything else in base64; without a body none."""
    if not body:
        return b""
    if not media_type or _JSON.fullmatch(media_type):
        try:
            parsed = bytes(_decode_any(body))
            if text_rejection(parsed) is None:
                return b'"data":' + parsed
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            pass  # it is not the JSON that it says it is: kept as bytes
    return b'"data_base64":"' + b64encode(body) + b'"'
