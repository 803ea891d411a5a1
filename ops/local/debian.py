"""Programs out of Debian's packages, unpacked into a folder: without root, and without installing anything.

Only for what checks want beside the locked packages, and only programs that need nothing but the C library. No version
is named, because an archive keeps but the newest one; apt verifies what it downloads by the archive's signature.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

SECONDS = 300.0
"""For one command: the lists of packages are tens of megabytes."""


class UnpackError(RuntimeError):
    """It did not work. The text is what apt said."""


def unpack(package: str, folder: Path) -> None:
    """The files of a package, below `folder`. Raises UnpackError, also where there is no apt."""
    missing = [program for program in ("apt-get", "dpkg-deb") if shutil.which(program) is None]
    if missing:
        raise UnpackError(f"there is no {' and no '.join(missing)} here")
    with tempfile.TemporaryDirectory(prefix="debian-") as scratch:
        here = Path(scratch)
        try:
            _apt(here, "download", package)
        except UnpackError:
            # Nobody has ever asked for the lists, or they are out of date: then with lists of our own.
            own = _own_lists(here)
            _apt(here, *own, "update")
            _apt(here, *own, "download", package)
        [archive] = here.glob("*.deb")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run(here, "dpkg-deb", "--extract", str(archive), str(folder))


def _own_lists(here: Path) -> tuple[str, ...]:
    """Options under which apt writes nowhere else."""
    for name in ("lists/partial", "cache/archives/partial"):
        (here / name).mkdir(parents=True)
    return (f"-oDir::State::Lists={here / 'lists'}", f"-oDir::Cache={here / 'cache'}")


def _apt(here: Path, *arguments: str) -> None:
    # Root would hand the download to another account, which may not write here.
    _run(here, "apt-get", "--quiet=2", "-oAPT::Sandbox::User=", *arguments)


def _run(here: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=here,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnpackError(f"{command[0]} took longer than {SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise UnpackError(
            (done.stderr or done.stdout).strip() or f"{command[0]} ended with {done.returncode}"
        )
