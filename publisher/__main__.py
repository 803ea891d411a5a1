"""`python -m publisher`: reads the command line and the environment, runs, shows the summary."""

import asyncio
import os
import signal
import sys

import msgspec

from pipeline.errors import SluiceError
from publisher.options import Options, parse
from publisher.progress import Reporter
from publisher.report import console_for, show_summary
from publisher.runner import Run
from publisher.senders import SenderRun
from publisher.social import SocialRun

try:
    from uvloop import run as run_loop
except ImportError:  # not on every platform
    from asyncio import run as run_loop


def main() -> int:
    options = parse(sys.argv[1:], os.environ)
    try:
        return run_loop(_run(options))
    except KeyboardInterrupt:  # the second one
        return 130
    except SluiceError as error:
        print(f"publisher: {error}", file=sys.stderr)
        return 2


async def _run(options: Options) -> int:
    settings = options.settings
    console = console_for(file_is_stdout=not options.as_json)
    reporter = Reporter(console, settings.quiet)
    reporter.note(f"sending to {settings.endpoint}, seed {settings.seed}")
    sender = options.sender
    run = Run(settings, reporter) if sender is None else SenderRun(settings, sender, reporter)
    if options.social is not None:
        run = SocialRun(settings, options.social, reporter)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, run, number)
    summary = await run.run()
    if options.as_json:
        sys.stdout.buffer.write(msgspec.json.encode(summary) + b"\n")
    show_summary(console, summary)
    return summary.exit_code


def _stop(run: Run | SenderRun | SocialRun, number: signal.Signals) -> None:
    """The first signal ends the sending; a second one ends the waiting for answers as well."""
    asyncio.get_running_loop().remove_signal_handler(number)
    run.stop()


if __name__ == "__main__":
    sys.exit(main())
