"""What `.env` and the environment say about a start in containers. As for Docker Compose, the environment wins."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"

_ASSIGNMENT = re.compile(r"""^([A-Z][A-Z0-9_]*)=(["']?)(.*)\2$""", re.MULTILINE)


@dataclass(frozen=True)
class Configuration:
    """`values` holds what is set, by name; `env_file` need not exist yet."""

    env_file: Path
    values: Mapping[str, str]

    def get(self, name: str, default: str) -> str:
        """The value of a variable; one that is empty counts as unset."""
        return self.values.get(name) or default

    @property
    def data(self) -> Path:
        """The folder of a local start, which also remembers in which mode the last start was."""
        return ROOT / self.get("SLUICE_DATA_DIR", ".sluice")


def read(environ: Mapping[str, str]) -> Configuration:
    """The settings as they are now. SLUICE_ENV_FILE names another file than `.env`."""
    path = ROOT / (environ.get("SLUICE_ENV_FILE") or ".env")
    text = path.read_text() if path.exists() else ""
    return Configuration(path, {match[1]: match[3] for match in _ASSIGNMENT.finditer(text)} | dict(environ))
