"""Running Postgres when we are root: it refuses to, so it gets another account.

As an ordinary user nothing of this applies. As root (a container, a CI runner) an existing account is
used: none is created. When that account cannot enter the project's folder (for example below `/root`), it
gets the one capability that lets it (CAP_DAC_OVERRIDE) and no other.
"""

import functools
import os
import pwd
import shutil
import subprocess
from pathlib import Path

CANDIDATES = ("postgres", "nobody")
"""Accounts that Linux systems have, in the order in which they are tried. SLUICE_POSTGRES_USER names
another."""

PROBE_SECONDS = 10.0
NONE, PASSAGE = "-all", "-all,+dac_override"
"""Sets of capabilities, in the words of setpriv."""


class AccountError(RuntimeError):
    """Postgres cannot be run as another user here. The text says what to do."""


def _entry() -> pwd.struct_passwd:
    wanted = os.environ.get("SLUICE_POSTGRES_USER")
    for name in (wanted,) if wanted else CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    names = wanted or " or ".join(CANDIDATES)
    raise AccountError(
        f"Postgres cannot run as root and there is no account {names}: set SLUICE_POSTGRES_USER"
    )


def _prefix(entry: pwd.struct_passwd, capability: str) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise AccountError(
            "Postgres does not run as root and setpriv (util-linux) is missing: run as an ordinary user"
        )
    identity = ("--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups")
    limits = (f"--{kind}={capability}" for kind in ("inh-caps", "ambient-caps", "bounding-set"))
    # without this bit the kernel forgets capabilities when it answers access(), by which initdb looks for postgres
    bits = ("--securebits=+no_setuid_fixup",) if capability != NONE else ()
    return (setpriv, *identity, *bits, *limits)


@functools.cache
def prefix_for(executable: Path, directory: Path) -> tuple[str, ...]:
    """What to put before a Postgres command so that it runs as the right user: nothing unless we are root.

    `directory` is where it keeps its data and must exist.
    """
    if os.geteuid() != 0:
        return ()
    entry = _entry()
    for capability in (NONE, PASSAGE):
        prefix = _prefix(entry, capability)
        probe = (*prefix, "sh", "-c", 'test -x "$1" && cd "$2"', "sh", str(executable), str(directory))
        done = subprocess.run(probe, capture_output=True, timeout=PROBE_SECONDS, cwd="/", check=False)
        if done.returncode == 0:
            return prefix
    raise AccountError(
        f"Postgres does not run as root but as {entry.pw_name}, who cannot reach {executable}: "
        "move the project to a folder that everybody may enter, or run as an ordinary user"
    )


def hand_over(path: Path) -> None:
    """Give a file or folder to the account that Postgres runs as."""
    if os.geteuid() == 0:
        entry = _entry()
        os.chown(path, entry.pw_uid, entry.pw_gid)
