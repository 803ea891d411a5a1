"""A few seconds of `python -m tests.fuzz`, on another path with every run, and proof that it would notice."""

from collections.abc import Iterator
from secrets import randbelow

import msgspec
import pytest

from pipeline.events.source import Source
from pipeline.events.webhook import BadUpdate, Webhook, WebhookRequest
from tests.fuzz.run import Broken, fuzz, registered, replay

WEBHOOKS = registered()


@pytest.mark.parametrize(("source", "webhook"), WEBHOOKS, ids=[webhook.name for _, webhook in WEBHOOKS])
def test_hostile_deliveries_are_refused_cleanly_or_stored(source: Source, webhook: Webhook) -> None:
    (count,) = fuzz([(source, webhook)], 2.0, randbelow(2**31)).values()
    assert count.deliveries > 50
    assert count.records > 0
    assert count.refused > 0


def raising_on_brackets(request: WebhookRequest) -> Iterator[msgspec.Raw | BadUpdate]:
    if b"[[" in request.body:
        raise ValueError("a defect")
    return iter(())


def test_a_defect_is_found_and_can_be_repeated() -> None:
    source, webhook = WEBHOOKS[0]
    broken = msgspec.structs.replace(webhook, split=raising_on_brackets)
    with pytest.raises(Broken, match="a defect") as caught:
        fuzz([(source, broken)], 20.0, 1)
    line = str(caught.value).partition("--replay '")[2][:-1]
    replay(line)  # the registered webhook has no such defect
