from collections import Counter

import msgspec

from publisher.account import Account
from publisher.answers import ACCEPTED, REJECTED, UNKNOWN, EventError, Outcome
from publisher.bodies import Body, BodyMaker
from publisher.generator import Generator
from publisher.ledger import Ledger, Offence, Stored
from publisher.truth import Truth

NOON_NS = 1_778_760_000_000_000_000


def setting(**options):
    generator = Generator(1)
    maker = BodyMaker(generator, 1, **options)
    account = Account(Truth(generator.crowd), Ledger())

    def make(size: int = 10) -> Body:
        [body] = [body for body in maker.make([size], NOON_NS, 10**9) if body is not None]
        account.sent(body)
        return body

    return make, account


def answer(body: Body, status: int = 202, rejected: tuple[int, ...] = (), base: int = ACCEPTED) -> Outcome:
    verdicts = bytearray([base]) * len(body)
    for index in rejected:
        verdicts[index] = REJECTED
    errors = [EventError(index, None, "schema_violation", "$.x", "why") for index in rejected]
    return Outcome(status, bytes(verdicts), errors)


def stored_from(*bodies: Body, drop: tuple[str, ...] = ()) -> Stored:
    """What a correct pipeline stores: every event once, except `drop`."""
    stored = Stored()
    ids = {
        e["eventId"]: e["source"]
        for body in bodies
        for e in msgspec.json.decode(body.payload)
        if "eventId" in e
    }
    for event_id, source in ids.items():
        if event_id not in drop:
            stored.add(source, event_id, 1)
    return stored


def kinds(account: Account, stored: Stored) -> Counter[Offence]:
    assert account.ledger is not None
    found = [*account.offenders, *account.ledger.compare(stored)]
    return Counter(offender.offence for offender in found)


def test_every_event_of_a_settled_body_is_in_exactly_one_total():
    make, account = setting(malformed_ratio=1.0)
    for verdict, status in ((ACCEPTED, 202), (REJECTED, 413), (UNKNOWN, 503)):
        body = make()
        account.settle(body, answer(body, status, base=verdict), 0.1)
    totals = account.totals
    assert (totals.sent, totals.accepted, totals.rejected, totals.unknown) == (33, 11, 11, 11)
    assert (totals.posts, totals.corrupted) == (3, 3)


def test_only_accepted_events_are_in_the_truth():
    make, account = setting()
    accepted, refused, lost = make(), make(), make()
    account.settle(accepted, answer(accepted, rejected=(2, 7)), 0.1)
    account.settle(refused, answer(refused, 413, base=REJECTED), 0.1)
    account.settle(lost, answer(lost, 0, base=UNKNOWN), 0.1)
    assert account.truth is not None
    assert account.truth.events == 8


def test_a_repeated_event_counts_once_whichever_of_its_bodies_is_accepted_first():
    make, account = setting(duplicate_ratio=0.3)
    bodies = [make(50) for _ in range(20)]
    assert sum(len(body.repeats) for body in bodies) > 100
    for body in reversed(bodies):  # the answers come in the wrong order
        account.settle(body, answer(body), 0.1)
    assert account.truth is not None
    assert account.truth.events == sum(len(body.facts) for body in bodies)
    assert kinds(account, stored_from(*bodies)) == Counter()


def test_an_event_whose_first_body_got_no_answer_counts_with_its_repeat():
    make, account = setting(duplicate_ratio=0.5)
    first, second = make(40), make(40)
    repeated = {repeat.event.event_id for repeat in second.repeats}
    account.settle(first, answer(first, 0, base=UNKNOWN), 0.1)
    account.settle(second, answer(second), 0.1)
    assert account.truth is not None
    assert account.truth.events == len(second.facts) + len(repeated)


def test_a_corrupted_event_that_is_still_valid_counts_and_an_invalid_one_does_not():
    make, account = setting(malformed_ratio=1.0)
    valid = 0
    bodies = [make(1) for _ in range(200)]
    for body in bodies:
        assert body.corrupted is not None
        valid += body.corrupted.still_valid
        account.settle(body, answer(body, rejected=() if body.corrupted.still_valid else (1,)), 0.1)
    assert account.truth is not None
    assert account.truth.events == 200 + valid
    assert 0 < valid < 100
    assert account.offenders == []


def test_a_gateway_that_rejects_a_valid_event_is_an_offender_with_its_reason():
    make, account = setting()
    body = make()
    account.settle(body, answer(body, rejected=(4,)), 0.1)
    [offender] = account.offenders
    assert offender.offence is Offence.REJECTED_THOUGH_VALID
    assert offender.subject == body.facts.event_id(4) == msgspec.json.decode(body.payload)[4]["eventId"]
    assert offender.detail == "schema_violation at $.x: why"


def test_a_gateway_that_accepts_an_invalid_event_is_an_offender():
    make, account = setting(malformed_ratio=1.0)
    body = next(body for body in iter(make, None) if body.corrupted and not body.corrupted.still_valid)
    account.settle(body, answer(body), 0.1)
    assert [offender.offence for offender in account.offenders] == [Offence.ACCEPTED_THOUGH_INVALID]


def test_a_body_refused_as_a_whole_is_no_misjudgement():
    make, account = setting()
    body = make()
    account.settle(body, answer(body, 413, base=REJECTED), 0.1)
    assert account.offenders == []
    assert kinds(account, Stored()) == Counter()
    assert kinds(account, stored_from(body)) == Counter({Offence.REJECTED_BUT_STORED: 10})


def test_the_ledger_finds_what_the_database_lost():
    make, account = setting(duplicate_ratio=0.2, malformed_ratio=0.5)
    bodies = [make(30) for _ in range(10)]
    invalid: list[str] = []
    for body in bodies:
        bad = body.corrupted is not None and not body.corrupted.still_valid
        if body.corrupted is not None and bad:
            invalid.append(body.corrupted.event.event_id)
        account.settle(body, answer(body, rejected=(len(body) - 1,) if bad else ()), 0.1)
    right = stored_from(*bodies, drop=tuple(invalid))
    assert kinds(account, right) == Counter()
    wrong = stored_from(*bodies, drop=(*invalid, bodies[0].facts.event_id(3)))
    assert kinds(account, wrong) == Counter({Offence.LOST: 1})


def test_the_time_range_of_the_run_covers_all_its_events():
    make, account = setting()
    make()
    assert (account.earliest_ms, account.latest_ms) == (NOON_NS // 10**6, NOON_NS // 10**6 + 900)


def test_a_body_without_an_answer_has_no_latency():
    make, account = setting()
    body = make()
    account.settle(body, answer(body, 0, base=UNKNOWN), 30.0)
    assert len(account.latencies) == 0
    assert account.last_answer_at is None
