"""CPU time and memory of processes, from Linux's `/proc`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"  # proc(5): resets VmHWM to the current size


class Stat(NamedTuple):
    """One process. `reaped_seconds` is the CPU time of its children that have ended and been waited for."""

    pid: int
    name: str
    parent: int
    own_seconds: float
    reaped_seconds: float


def parse_stat(text: str) -> Stat:
    """`/proc/<pid>/stat`. The name is in parentheses and may hold any character, parentheses too."""
    pid, _, rest = text.partition(" (")
    name, _, rest = rest.rpartition(") ")
    fields = rest.split()
    utime, stime, cutime, cstime = (int(field) / _TICKS_PER_SECOND for field in fields[11:15])
    return Stat(int(pid), name, int(fields[1]), utime + stime, cutime + cstime)


def parse_status(text: str) -> dict[str, int]:
    """The sizes in `/proc/<pid>/status`, in bytes: VmHWM, VmRSS, RssAnon, RssShmem and others."""
    sizes: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number, _, unit = value.strip().partition(" ")
        if unit == "kB":
            sizes[name] = int(number) * 1024
    return sizes


def parse_busy(text: str) -> float:
    """Seconds of CPU time that the machine has spent on anything at all, from `/proc/stat`."""
    user, nice, system, _idle, _iowait, irq, softirq = (int(f) for f in text.split(maxsplit=8)[1:8])
    return (user + nice + system + irq + softirq) / _TICKS_PER_SECOND


def processes() -> dict[int, Stat]:
    """Every process of the machine by its id."""
    return {stat.pid: stat for stat in _read_stats()}


def _read_stats() -> Iterator[Stat]:
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it has just ended
                yield parse_stat((folder / "stat").read_text(errors="replace"))


def family(all_processes: Mapping[int, Stat], root: int) -> list[Stat]:
    """A process and everything that descends from it; nothing when it has ended."""
    children: dict[int, list[int]] = {}
    for stat in all_processes.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found = [root] if root in all_processes else []
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return [all_processes[pid] for pid in found]


def sizes(pid: int) -> dict[str, int]:
    """Memory of a process, empty when it has ended."""
    try:
        return parse_status((PROC / str(pid) / "status").read_text(errors="replace"))
    except OSError:
        return {}


def reset_peak(pid: int) -> bool:
    """Makes VmHWM start anew. False where that is not allowed: the peak is then that of the process's life."""
    try:
        (PROC / str(pid) / "clear_refs").write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def busy_seconds() -> float:
    """CPU time of the whole machine since it was started."""
    return parse_busy((PROC / "stat").read_text())
