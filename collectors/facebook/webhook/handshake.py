"""The handshake of a subscription: Meta shows the token that its dashboard was given and wants its challenge back."""

import hmac
from collections.abc import Mapping

from collectors.facebook.webhook.signature import FacebookCredentials


def answer_handshake(credentials: FacebookCredentials, query: Mapping[str, str]) -> str | None:
    """The challenge as it came, whatever text it is; empty when there is none; None when the token is wrong."""
    expected = credentials.facebook_verify_token.encode("utf-8", "surrogatepass")
    given = query.get("hub.verify_token", "").encode("utf-8", "surrogatepass")
    is_right = hmac.compare_digest(expected, given)
    if not expected or not is_right or query.get("hub.mode") != "subscribe":
        return None
    return query.get("hub.challenge", "")
