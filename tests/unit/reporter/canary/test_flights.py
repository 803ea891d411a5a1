"""When the next canary goes, and how old the youngest is that came through."""

from reporter.canary.flights import Flights


def test_before_the_first_one_comes_through_the_age_is_that_of_the_process() -> None:
    flights = Flights(100.0)

    assert (flights.age(100.0), flights.age(161.0)) == (0.0, 61.0)
    flights.accepted(flights.send(100.0))
    assert flights.age(130.0) == 30.0


def test_the_age_counts_from_the_sending_of_the_youngest_that_was_found() -> None:
    flights = Flights(0.0)
    for now in (10.0, 20.0, 30.0):
        flights.accepted(flights.send(now))

    assert flights.found(2, 31.0) == 11.0
    assert flights.age(40.0) == 20.0
    assert flights.are_waited_for

    assert flights.found(3, 41.0) == 11.0
    assert flights.age(41.0) == 11.0
    assert not flights.are_waited_for


def test_an_old_one_that_is_seen_again_is_no_news() -> None:
    flights = Flights(0.0)
    flights.accepted(flights.send(10.0))
    flights.accepted(flights.send(20.0))
    flights.found(2, 21.0)

    assert flights.found(2, 22.0) is None
    assert flights.found(1, 22.0) is None
    assert flights.found(77, 22.0) is None
    assert flights.age(22.0) == 2.0


def test_one_that_the_gateway_did_not_acknowledge_may_have_come_through() -> None:
    flights = Flights(0.0)
    number = flights.send(10.0)
    flights.failed("the gateway answers 503: JetStream did not acknowledge in time")

    assert not flights.are_waited_for
    assert flights.found(number, 12.0) == 2.0
    assert (flights.age(12.0), flights.problem) == (2.0, "")


def test_one_that_is_found_before_the_gateways_answer_is_not_waited_for() -> None:
    flights = Flights(0.0)
    number = flights.send(10.0)
    flights.found(number, 10.1)

    flights.accepted(number)

    assert (flights.are_waited_for, flights.problem) == (False, "")


def test_the_first_goes_at_once_and_the_others_at_intervals() -> None:
    flights = Flights(0.0)
    assert flights.due(0.0, 10.0) == 0.0

    number = flights.send(0.0)
    flights.accepted(number)
    flights.found(number, 0.1)

    assert (flights.due(4.0, 10.0), flights.due(10.0, 10.0), flights.due(15.0, 10.0)) == (6.0, 0.0, 0.0)


def test_a_gateway_that_takes_none_is_tried_at_every_interval() -> None:
    flights = Flights(0.0)
    sent = count_sent(flights, until=3600.0, accept=False)

    assert sent == 360


def test_while_none_comes_through_few_wait_in_the_stream() -> None:
    minute, hours = Flights(0.0), Flights(0.0)

    assert count_sent(minute, until=40.0) == 4
    assert count_sent(hours, until=8 * 3600.0) < 80


def test_when_they_come_through_again_the_pace_is_as_before() -> None:
    flights = Flights(0.0)
    sent = count_sent(flights, until=8 * 3600.0)
    now = 8 * 3600.0
    assert flights.due(now, 10.0) > 100.0

    flights.found(sent, now)

    assert flights.due(now, 10.0) == 0.0


def test_what_is_remembered_is_bounded() -> None:
    flights = Flights(0.0)
    for number in range(1, 10_001):
        flights.send(float(number))

    assert flights.found(1, 20_000.0) is None
    assert flights.found(9_800, 20_000.0) == 10_200.0


def count_sent(flights: Flights, until: float, *, accept: bool = True) -> int:
    """How many are sent in that time, when none comes through."""
    now, number = 0.0, 0
    while now < until:
        if not flights.due(now, 10.0):
            number = flights.send(now)
            if accept:
                flights.accepted(number)
            else:
                flights.failed("away")
        now += 1.0
    return number
