"""Figures as people read them. What is unknown is a dash."""

UNKNOWN = "-"

_SIZES = ((1024**3, "GB"), (1024**2, "MB"), (1024, "kB"))
_DURATIONS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def count(number: float | None) -> str:
    """`12,345`."""
    return UNKNOWN if number is None else f"{number:,.0f}"


def size(number: int | None) -> str:
    """`4.2 MB`, in powers of 1024, as settings are written."""
    if number is None:
        return UNKNOWN
    return next((f"{number / unit:,.1f} {name}" for unit, name in _SIZES if number >= unit), f"{number} B")


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, smaller_unit, smaller in _DURATIONS:
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // smaller_unit} {smaller}"
    return f"{whole} s"


def share(portion: float) -> str:
    """`0 %`, `0.3 %`, `45 %`."""
    percent = portion * 100
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"
