"""`python -m bench`. Exit status 0 when everything was measured, whatever the figures; 1 when a section failed."""

import asyncio
import shlex
import signal
import sys
import traceback

from rich.console import Console

from bench import machine, markdown, tables, targets
from bench.options import Options, parse
from bench.outcome import Outcome
from bench.sections import SECTIONS

_PIPE_COLUMNS = 150


async def main(options: Options, console: Console) -> int:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    facts = machine.facts(shlex.join(("python", "-m", "bench", *sys.argv[1:])))
    for name, value in facts:
        console.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)
    outcomes: dict[str, Outcome] = {}
    for name in options.only:
        with console.status(f"measuring: {name}"):
            outcomes[name] = await _measure(name, options)
        tables.show_outcome(console, outcomes[name])
    ratios = targets.ratios(outcomes)
    verdicts = [verdict for outcome in outcomes.values() for verdict in outcome.verdicts]
    tables.show_verdicts(console, [*verdicts, *ratios])
    if options.output is not None:
        options.output.write_text(markdown.document(facts, outcomes, ratios))
        console.print(f"written to {options.output}", highlight=False)
    return 1 if any(outcome.error for outcome in outcomes.values()) else 0


async def _measure(name: str, options: Options) -> Outcome:
    """A section that fails says why, and the others go on."""
    try:
        return await SECTIONS[name](options)
    except Exception as error:  # whatever it is, it must not cost the results of the others
        traceback.print_exc()
        return Outcome(name, error=f"{type(error).__name__}: {error}")


def _console() -> Console:
    """As wide as the terminal; in a pipe as wide as the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_COLUMNS)


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(parse(sys.argv[1:]), _console())))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
