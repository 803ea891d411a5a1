"""`python -m tests.fuzz --seconds 600 --seed 1`: hostile deliveries to every webhook of the registry.

Ends with 1, and with a line that repeats it, at the first that gets anything but a clean refusal or a record that can
be stored. `--only facebook` tries one source or one webhook; `--replay LINE` tries one delivery again.
"""

import argparse
import sys

from tests.fuzz.run import Broken, fuzz, registered, replay


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="another seed tries other deliveries")
    parser.add_argument("--only", default="", help="one source or one webhook")
    parser.add_argument("--replay", default="", help="the line of an earlier failure")
    options = parser.parse_args()
    webhooks = registered(options.only)
    if not webhooks:
        parser.error(f"no source and no webhook is called {options.only!r}")
    try:
        if options.replay:
            replay(options.replay)
            print("It does not fail any more.")
            return 0
        for name, count in fuzz(webhooks, options.seconds, options.seed).items():
            print(
                f"{name}: {count.deliveries} deliveries, {count.believed} with a right signature, "
                f"{count.records} records, {count.refused} refused"
            )
    except Broken as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
