import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from publisher.account import Account
from publisher.answers import outcome_of
from publisher.bodies import Body, BodyMaker
from publisher.generator import Generator
from publisher.ledger import Ledger, Offence
from publisher.reports import COMPLETE_THROUGH
from publisher.settings import Settings
from publisher.summary import Verification
from publisher.truth import Truth
from publisher.verify import Verifier
from tests.unit.publisher.fake_database import FakeDatabase
from tests.unit.publisher.fake_reporter import demographics_report, events_report, revenue_report

NOON_MS = 1_778_760_000_000


class Pipeline:
    """A run of 300 events that were all acknowledged, and what its pipeline made of them."""

    def __init__(self) -> None:
        generator = Generator(1)
        self.account = Account(Truth(generator.crowd), Ledger())
        self.database = FakeDatabase()
        self.late_answers = 0
        self.others_before: list[tuple[int, str, str]] = []
        self.paths: list[str] = []
        self.break_report: Callable[[str, object], object] = lambda _path, report: report
        maker = BodyMaker(generator, 1)
        bodies = [body for body in maker.make([100] * 3, NOON_MS * 10**6, 10**9) if body is not None]
        for body in bodies:
            self.account.sent(body)
            self.account.settle(body, outcome_of(202, b'{"accepted":100,"rejected":0}', 100), 0.1)
        self.bodies: list[Body] = bodies

    def store_all(self) -> None:
        for body in self.bodies:
            for event in msgspec.json.decode(body.payload):
                at = datetime.fromisoformat(event["timestamp"])
                self.database.store(round(at.timestamp() * 1000), event["source"], event["eventId"])

    def report(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        through = time.time() + 1
        if self.late_answers:
            self.late_answers -= 1
            through -= 3600
        truth = self.account.truth
        assert truth is not None
        reports = {"events": events_report, "revenue": revenue_report, "demographics": demographics_report}
        body = self.break_report(request.url.path, reports[request.url.path.split("/")[2]](truth))
        headers = {
            COMPLETE_THROUGH: datetime.fromtimestamp(through, UTC).isoformat(),
            "X-Data-Lag-Seconds": "3600",
        }
        return httpx.Response(200, json=body, headers=headers)

    async def verify(self, transport: httpx.AsyncBaseTransport | None = None, **options) -> Verification:
        settings = Settings(verify=True, reporter="http://reporter", **options)
        verifier = Verifier(
            settings,
            NOON_MS - 1_000,
            database=self.database,
            transport=transport or httpx.MockTransport(self.report),
        )
        rows, self.database.rows = self.database.rows, self.others_before
        await verifier.prepare()
        self.database.rows = self.others_before + rows
        return await verifier.verify(self.account, lambda _text: None)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setattr("publisher.reports.POLL_SECONDS", 0.001)
    monkeypatch.setattr("publisher.database.POLL_SECONDS", 0.001)
    pipeline = Pipeline()
    pipeline.store_all()
    return pipeline


def kinds(verification: Verification) -> list[Offence]:
    return [offender.offence for offender in verification.offenders]


async def test_a_run_that_was_stored_and_reported_right_passes(pipeline: Pipeline):
    verification = await pipeline.verify()
    assert verification.passed
    assert (verification.rows, verification.foreign, verification.reports_compared) == (300, 0, True)
    assert set(pipeline.paths) == {"/reports/events", "/reports/revenue", "/reports/demographics"}


async def test_a_lost_event_fails_with_its_id(pipeline: Pipeline):
    _, _, lost = pipeline.database.rows.pop(123)
    verification = await pipeline.verify()
    assert not verification.passed
    assert [(o.offence, o.subject) for o in verification.offenders] == [(Offence.LOST, lost)]


async def test_an_event_stored_twice_fails(pipeline: Pipeline):
    pipeline.database.rows.append(pipeline.database.rows[7])
    assert kinds(await pipeline.verify()) == [Offence.STORED_TWICE]


async def test_a_wrong_report_fails_although_the_database_is_right(pipeline: Pipeline):
    def one_cent_more(path: str, report):
        if path == "/reports/revenue":
            report[0]["totalRevenue"] = report[0]["totalRevenue"][:-1] + (
                "1" if report[0]["totalRevenue"][-1] != "1" else "2"
            )
        return report

    pipeline.break_report = one_cent_more
    assert kinds(await pipeline.verify()) == [Offence.WRONG_FIGURE]


async def test_the_check_waits_until_the_reports_are_complete(pipeline: Pipeline):
    pipeline.late_answers = 5
    verification = await pipeline.verify()
    assert verification.passed
    assert pipeline.paths[:7] == ["/reports/events"] * 7  # five times too early, then once for each source


async def test_reports_that_never_become_complete_fail_instead_of_hanging(pipeline: Pipeline):
    pipeline.late_answers = 10**9
    verification = await pipeline.verify(verify_timeout_seconds=0.05)
    assert kinds(verification) == [Offence.NOT_COMPLETE]
    assert "lag 3600 s" in verification.offenders[0].detail


async def test_a_reporter_that_is_away_at_first_is_waited_for(pipeline: Pipeline):
    failures = [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(502)]

    def flaky(request: httpx.Request) -> httpx.Response:
        if not failures:
            return pipeline.report(request)
        failure = failures.pop(0)
        if isinstance(failure, Exception):
            raise failure
        return failure

    assert (await pipeline.verify(httpx.MockTransport(flaky))).passed


async def test_a_reporter_without_the_header_cannot_be_relied_on(pipeline: Pipeline):
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=[]))
    verification = await pipeline.verify(transport, compare_reports=False, verify_timeout_seconds=0.05)
    assert kinds(verification) == [Offence.NOT_COMPLETE]


async def test_only_the_sources_of_the_publisher_are_waited_for(pipeline: Pipeline):
    def social_never_reports(request: httpx.Request) -> httpx.Response:
        answer = pipeline.report(request)
        if "source" not in request.url.params:
            del answer.headers[COMPLETE_THROUGH]
        return answer

    assert (await pipeline.verify(httpx.MockTransport(social_never_reports))).passed


async def test_a_database_that_is_coming_back_is_waited_for(pipeline: Pipeline):
    settings = Settings(verify=True, reporter="http://reporter")
    transport = httpx.MockTransport(pipeline.report)
    verifier = Verifier(settings, NOON_MS, database=pipeline.database, transport=transport)
    pipeline.database.failures = 4
    assert (await verifier.verify(pipeline.account, lambda _text: None)).passed


async def test_a_database_that_stays_away_fails_instead_of_raising(pipeline: Pipeline):
    settings = Settings(verify=True, reporter="http://reporter", verify_timeout_seconds=0.05)
    transport = httpx.MockTransport(pipeline.report)
    verifier = Verifier(settings, NOON_MS, database=pipeline.database, transport=transport)
    pipeline.database.failures = 10**9
    verification = await verifier.verify(pipeline.account, lambda _text: None)
    assert kinds(verification) == [Offence.NOT_COMPLETE]
    assert verification.offenders[0].subject == "database"


async def test_reports_are_not_compared_when_others_were_there_before(pipeline: Pipeline):
    pipeline.others_before = [(NOON_MS + 10, "tiktok", "someone-elses")]
    verification = await pipeline.verify()
    assert (verification.passed, verification.reports_compared, verification.foreign) == (True, False, 1)
    assert "before the run" in verification.note


async def test_reports_are_not_compared_when_others_stored_meanwhile(pipeline: Pipeline):
    pipeline.database.store(NOON_MS + 10, "facebook", "fb-3f0a9b9e-6f0e-4a7e-9d51-1f3c3f0a9b9e")
    verification = await pipeline.verify()
    assert (verification.passed, verification.reports_compared, verification.rows) == (True, False, 300)
    assert verification.note == "others stored 1 events in this time range"


async def test_a_comparison_that_is_asked_for_takes_place_whoever_else_was_there(pipeline: Pipeline):
    pipeline.database.store(NOON_MS + 10, "facebook", "someone-elses")
    assert (await pipeline.verify(compare_reports=True)).reports_compared


async def test_a_comparison_that_is_refused_does_not_take_place(pipeline: Pipeline):
    assert not (await pipeline.verify(compare_reports=False)).reports_compared
    assert "/reports/revenue" not in pipeline.paths


async def test_reports_are_not_compared_while_events_are_unanswered(pipeline: Pipeline):
    body = pipeline.bodies[0]
    pipeline.account.settle(body, outcome_of(503, b"", 100), 0.1)
    verification = await pipeline.verify()
    assert verification.passed
    assert verification.note == "100 events have no answer"


async def test_a_run_that_sent_nothing_has_nothing_to_check():
    settings = Settings(verify=True, reporter="http://reporter")
    verifier = Verifier(settings, NOON_MS, database=FakeDatabase())
    verification = await verifier.verify(Account(Truth([]), Ledger()), lambda _text: None)
    assert verification.passed
    assert verification.note == "nothing was sent"
