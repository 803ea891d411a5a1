"""What fuzzing starts from: every sample of every webhook, and every published vector of a signed request.

Each webhook gets the deliveries of all of them. That one provider's body comes to another's door is no more odd than
what is made of it here.
"""

import base64

import msgspec

from tests.contract.samples import all_deliveries, request_of
from tests.fuzz.credentials import vectors


class Seed(msgspec.Struct, frozen=True):
    """A delivery that is as a provider sends it, or nearly so. `webhook` is whose it is; empty for a vector."""

    webhook: str
    headers: dict[str, str]
    body: bytes


def seeds() -> list[Seed]:
    """In a fixed order, so that a run can be repeated by its seed."""
    found: list[Seed] = []
    for _, webhook, sample in all_deliveries():
        request = request_of(webhook, sample)
        found.append(Seed(webhook.name, dict(request.headers), request.body))
    for case in vectors():
        headers = {name.lower(): text for name, text in case["headers"].items()}
        found.append(Seed("", headers, base64.b64decode(case["body_b64"])))
    return found
