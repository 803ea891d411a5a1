"""The files of the page, as they are answered: unchanged, never guessed at, and only with what comes from here."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files

import msgspec

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

PAGE = "feed.html"

# Trusted types: text of people can never become markup or code, not even by a mistake in the page.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Asset(msgspec.Struct, frozen=True):
    """One file. `etag` changes with its content."""

    name: str
    content: bytes
    media_type: str
    etag: str

    @property
    def headers(self) -> dict[str, str]:
        """A browser keeps it, and asks each time whether it is still the same: files that belong together never come
        from two versions."""
        return {**SECURITY_HEADERS, "Cache-Control": "no-cache", "ETag": self.etag}

    def is_known(self, if_none_match: str) -> bool:
        """Whether the caller has it already (RFC 9110 §13.1.2)."""
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return self.etag in tags or "*" in tags


def load_assets() -> list[Asset]:
    """All files of the page."""
    folder = files("gateway.feed") / "page"
    return [
        Asset(
            entry.name,
            content := entry.read_bytes(),
            _MEDIA_TYPES[entry.name[entry.name.rindex(".") :]],
            f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        )
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.is_file()
    ]
