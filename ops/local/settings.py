"""What a person can change about local operation, read from the environment and `.env`."""

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ops.local.binaries import POSTGRES_FOLDERS, ROOT
from ops.local.postgres_server import DEFAULT_VERSION

SOCKET_PATH_BYTES = 90
"""The system's limit is 103 to 107 bytes, and the process manager appends its process id while it binds."""


class SettingsError(ValueError):
    """A setting is wrong. The text begins with the variable's name."""


@dataclass(frozen=True)
class LocalSettings:
    """Where things are kept, and the settings that every service gets."""

    data: Path
    postgres_version: int
    values: Mapping[str, str]

    @property
    def logs(self) -> Path:
        """One file per server and service, rotated."""
        return self.data / "logs"

    @property
    def connections(self) -> Path:
        """Addresses and passwords of the embedded servers as an env file, for programs that people
        start."""
        return self.data / "connections.env"

    @property
    def socket(self) -> Path:
        """Where the process manager listens: in the data folder, or where that is too long, in a private
        folder."""
        wanted = self.data / "supervisor.sock"
        if len(os.fsencode(wanted)) <= SOCKET_PATH_BYTES:
            return wanted
        name = sha256(os.fsencode(self.data)).hexdigest()[:12]
        return (
            private_folder(Path(tempfile.gettempdir()) / f"sluice-{os.getuid()}-{name}") / "supervisor.sock"
        )

    def port(self, variable: str, default: int) -> int:
        """A TCP port. Raises SettingsError naming the variable."""
        return _number(self.values, variable, default, range(1, 65536))


def read(values: Mapping[str, str]) -> LocalSettings:
    """Settings from the environment on top of `.env`, both in `values`. Makes the data folder."""
    data = Path(values.get("SLUICE_DATA_DIR") or ROOT / ".sluice")
    data = (data if data.is_absolute() else ROOT / data).resolve()
    version = _number(values, "SLUICE_POSTGRES_VERSION", DEFAULT_VERSION, list(POSTGRES_FOLDERS))
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(
        0o711
    )  # as root, Postgres runs as somebody else, who must get through to a folder of their own in here
    settings = LocalSettings(data, version, values)
    settings.logs.mkdir(exist_ok=True)
    settings.logs.chmod(0o700)
    return settings


def private_folder(path: Path) -> Path:
    """Make a folder that only we can enter, and refuse one that somebody else has put there."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SettingsError(
            f"SLUICE_DATA_DIR: the path is too long for a socket, and {path} is not ours alone"
        )
    return path


def _number(values: Mapping[str, str], variable: str, default: int, allowed: range | list[int]) -> int:
    text = values.get(variable) or str(default)
    if not text.isdecimal() or int(text) not in allowed:
        wanted = (
            f"{allowed.start} to {allowed.stop - 1}" if isinstance(allowed, range) else f"one of {allowed}"
        )
        raise SettingsError(f"{variable}={text}: must be {wanted}")
    return int(text)
