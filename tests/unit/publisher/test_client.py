import pytest

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.client import Client
from publisher.connection import NoAnswer, Response

OK = Response(202, {}, b'{"accepted": 2, "rejected": 0, "errors": []}')


def busy(retry_after: str = "0") -> Response:
    return Response(503, {"retry-after": retry_after}, b"later")


class Script:
    """A sender that plays its part; the clock advances when the client sleeps."""

    def __init__(self, *steps: Response | NoAnswer) -> None:
        self.steps = list(steps)
        self.payloads: list[bytes] = []

    async def post(self, payload: bytes) -> Response:
        self.payloads.append(payload)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, NoAnswer):
            raise step
        return step


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("publisher.client.asyncio.sleep", sleep)
    return waited


def client(script: Script, waits: list[float], deadline: float) -> Client:
    return Client(script, retry_deadline_seconds=deadline, clock=lambda: sum(waits), jitter=lambda: 1.0)


@pytest.mark.parametrize("failure", [busy(), NoAnswer("reset"), NoAnswer("timeout"), NoAnswer("refused")])
async def test_the_firehose_never_tries_again(failure, waits):
    script = Script(failure, OK)
    outcome = await client(script, waits, 0.0).deliver(b"body", 2)
    assert (set(outcome.verdicts), len(script.payloads), waits) == ({UNKNOWN}, 1, [])


async def test_with_a_deadline_the_same_body_is_sent_until_it_is_answered(waits):
    script = Script(NoAnswer("refused"), NoAnswer("reset"), busy(), NoAnswer("timeout"), OK)
    delivering = client(script, waits, 60.0)
    outcome = await delivering.deliver(b"body", 2)
    assert set(outcome.verdicts) == {ACCEPTED}
    assert script.payloads == [b"body"] * 5
    assert delivering.retries == 4
    assert delivering.statuses == {"refused": 1, "reset": 1, "503": 1, "timeout": 1, "202": 1}


async def test_waits_double_up_to_a_bound(waits):
    await client(Script(*[NoAnswer("refused")] * 8, OK), waits, 60.0).deliver(b"", 2)
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]


async def test_retry_after_is_honoured(waits):
    await client(Script(busy("7"), OK), waits, 60.0).deliver(b"", 2)
    assert waits == [7.0]


async def test_a_retry_after_that_is_a_date_is_ignored(waits):
    await client(Script(busy("Wed, 21 Oct 2026 07:28:00 GMT"), OK), waits, 60.0).deliver(b"", 2)
    assert waits == [0.1]


async def test_after_the_deadline_the_events_are_unknown(waits):
    script = Script(NoAnswer("refused", "nobody there"))
    outcome = await client(script, waits, 5.0).deliver(b"", 3)
    assert sum(waits) <= 5.0
    assert (list(outcome.verdicts), outcome.status) == ([UNKNOWN] * 3, 0)
    assert outcome.problem == "refused: nobody there"


async def test_a_refusal_is_final(waits):
    outcome = await client(Script(Response(413, {}, b"limit is 50mb"), OK), waits, 60.0).deliver(b"", 1)
    assert (list(outcome.verdicts), outcome.problem, waits) == ([REJECTED], "limit is 50mb", [])
