"""Is it configured as its owner thinks it is?"""

import difflib
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import dotenv
import msgspec

from console.doctor.discovery import settings_structs
from console.doctor.result import Result, failed, ok
from console.doctor.surroundings import ROOT, Surroundings
from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError

EXAMPLE = ROOT / ".env.example"
"""The file that names every variable."""

_NAMED = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def settings_load(surroundings: Surroundings) -> Iterable[Result]:
    """Every service could start with these settings."""
    # Each service has a port of its own: which, is for whoever starts it to say.
    environ = {"PORT": "1", **surroundings.environ}
    structs = settings_structs(ROOT)
    wrong = list(settings_errors(structs, environ))
    for error in wrong:
        yield Result(
            "settings", "failed", error, "Correct it in .env or in the environment: no service starts so."
        )
    if not wrong:
        count = sum(len(msgspec.structs.fields(struct)) for struct in structs)
        yield Result("settings", "ok", f"{count} settings of all services make sense")


def settings_errors(structs: Iterable[type[msgspec.Struct]], environ: Mapping[str, str]) -> Iterator[str]:
    """What is wrong, each by the name of its variable. Each once, however many programs read it."""
    seen: set[str] = set()
    for struct in structs:
        try:
            load_settings(struct, environ)
        except ConfigurationError as error:
            if str(error) not in seen:
                seen.add(str(error))
                yield str(error)


def unknown_variables(surroundings: Surroundings) -> Iterable[Result]:
    """Nothing in the env file is misspelt: a variable that nobody reads has no effect, and says nothing."""
    path = Path(surroundings.settings.sluice_env_file)
    if not path.exists():
        return ok("variables", f"there is no {path}: all settings come from the environment")
    given = [name for name in dotenv.dotenv_values(path, interpolate=False) if name]
    return misspelt(given, known_variables(EXAMPLE.read_text()), path.name)


def known_variables(example: str) -> list[str]:
    """Every variable that `.env.example` names, commented out or not."""
    return [match[1] for match in _NAMED.finditer(example)]


def misspelt(given: Iterable[str], known: Iterable[str], file_name: str) -> Iterator[Result]:
    """The unknown ones among the given variables, with the known one that was probably meant."""
    known = list(known)
    unknown = [name for name in given if name not in known]
    for name in unknown:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        if close:
            advice = f"Is it {close[0]}? .env.example names every variable."
            yield Result("variables", "failed", f"{name} in {file_name} is read by nobody", advice)
        else:
            advice = "Nothing of Sluice reads it. Remove it, unless something else does."
            yield Result("variables", "warning", f"{name} in {file_name} is not known", advice)
    if not unknown:
        yield from ok("variables", f"every variable in {file_name} is known")


def env_file_is_private(surroundings: Surroundings) -> Iterable[Result]:
    """The file with the secrets is its owner's alone."""
    path = Path(surroundings.settings.sluice_env_file)
    return private(path.name, path.stat().st_mode) if path.exists() else []


def private(file_name: str, mode: int) -> list[Result]:
    """Whether nobody but the owner may read or write a file of this mode."""
    name, bits = "permissions", stat.S_IMODE(mode)
    if bits & 0o077:
        return failed(name, f"{file_name} holds secrets and has mode {bits:o}", f"chmod 600 {file_name}")
    return ok(name, f"{file_name} is its owner's alone (mode {bits:o})")
