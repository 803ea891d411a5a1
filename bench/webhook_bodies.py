"""Deliveries as Meta makes them: bodies, their signatures, and requests ready to be written to a socket."""

import hmac
import secrets
import time

import msgspec

SECRET_VARIABLE = "FACEBOOK_APP_SECRETS"  # noqa: S105 - its name
PATH = "/webhooks/facebook"
_PAGE = "103149398319188"


def meta_body(updates: int, first: int) -> bytes:
    """Comments on a page, numbered from `first`: no two are the same."""
    now = int(time.time())
    return msgspec.json.encode(
        {
            "object": "page",
            "entry": [
                {
                    "id": _PAGE,
                    "time": now,
                    "changes": [_comment(number, now) for number in range(first, first + updates)],
                }
            ],
        }
    )


def _comment(number: int, now: int) -> dict[str, object]:
    post = f"{_PAGE}_{number % 50}"
    return {
        "field": "feed",
        "value": {
            "item": "comment",
            "verb": "add",
            "comment_id": f"{number % 50}_{number}",
            "post_id": post,
            "parent_id": post,
            "from": {"id": str(4_000_000_000 + number % 10_000), "name": "Ada Example"},
            "message": "Where can I buy this? \U0001f6d2 And does it come in blue, too?",
            "created_time": now,
        },
    }


def signature(body: bytes, secret: str) -> str:
    """The header's value; of an empty secret one that nobody could have made."""
    digest = hmac.new(secret.encode(), body, "sha256").hexdigest() if secret else secrets.token_hex(32)
    return f"sha256={digest}"


def request(body: bytes, secret: str) -> bytes:
    """The whole POST, forged when there is no secret."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: {signature(body, secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
