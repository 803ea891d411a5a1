"""`python -m tests.faults`: a seeded random mix of faults. Exit status 1 when an event was lost, doubled or leaked."""

import signal
import sys
from itertools import islice
from types import FrameType

from bench.system import temporary_folder
from tests.faults import server_faults, table
from tests.faults.catalogue import FAULTS
from tests.faults.options import Options, parse
from tests.faults.runner import Runner
from tests.faults.schedule import as_text, shuffled_rounds
from tests.faults.system import PRODUCTION, loaded, running_system

_SHOWN = 60
_RECKONING_SECONDS = 150.0


def main(options: Options) -> int:
    """The exit status."""
    once = len(options.only) != len(FAULTS)
    say(f"to repeat: {options.command}")
    say("the schedule, as far as the time allows:")
    say(as_text(options.only if once else list(islice(shuffled_rounds(FAULTS, options.seed), _SHOWN))))
    if options.outage is not None:
        server_faults.POSTGRES_AWAY_SECONDS = options.outage / options.scale
    with (
        temporary_folder() as folder,
        running_system(folder, collectors={"facebook": 2}, settings=PRODUCTION, durable=True) as system,
    ):
        load = loaded(system, seed=options.seed, rate=options.rate)
        runner = Runner(system, load, seed=options.seed, scale=options.scale, tell=say)
        runner.warm_up()
        say(f"{options.rate:g} events/s flow")
        schedule = iter(options.only) if once else shuffled_rounds(FAULTS, options.seed)
        next_reckoning = _RECKONING_SECONDS
        for fault in schedule:
            if not once and runner.elapsed > options.seconds:
                break
            runner.inject(fault)
            if runner.elapsed > next_reckoning:
                runner.reckon()
                runner.go_on()
                next_reckoning = runner.elapsed + _RECKONING_SECONDS
        runner.reckon()
    return conclude(options, runner)


def conclude(options: Options, runner: Runner) -> int:
    """Shows, records, and says whether all was well."""
    lines = table.markdown(options.command, runner.observations, runner.reckonings)
    say("\n".join(lines))
    if options.json:
        table.write_json(
            options.json, options.command, runner.observations, runner.reckonings, runner.problems
        )
    if options.record:
        section = "random mix" if len(options.only) == len(FAULTS) else options.only[0].name
        table.record(section, lines)
        table.record("catalogue", table.catalogue(FAULTS))
    for problem in runner.problems:
        say(f"VIOLATION {problem}")
    say("violated" if runner.problems else "nothing lost, nothing doubled, everything recovered")
    return 1 if runner.problems else 0


def say(text: str) -> None:
    print(text, flush=True)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    try:
        sys.exit(main(parse(sys.argv[1:])))
    except KeyboardInterrupt:
        say("interrupted; everything that was started is ended")
        sys.exit(128 + signal.SIGINT)
