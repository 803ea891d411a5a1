"""What a section finds: plain data, for tables and for Markdown alike."""

import msgspec


class Cost(msgspec.Struct, frozen=True):
    """One process, or several of a kind, over the measuring window."""

    process: str
    cpu_seconds: float
    peak_bytes: int


class Usage(msgspec.Struct, frozen=True):
    """Where CPU time and memory went while `events` events passed through, in `seconds`."""

    costs: list[Cost]
    events: int
    seconds: float
    elsewhere_seconds: float
    """CPU time of the machine that none of our processes spent: the kernel's own threads, and neighbours."""

    def per_thousand(self, cost: Cost) -> float:
        """CPU seconds per 1,000 events."""
        return cost.cpu_seconds * 1000 / max(1, self.events)

    @property
    def elsewhere_share(self) -> float:
        """The part of one core that was spent elsewhere."""
        return self.elsewhere_seconds / max(self.seconds, 1e-9)

    @property
    def total(self) -> Cost:
        return Cost(
            "together",
            sum(cost.cpu_seconds for cost in self.costs),
            sum(cost.peak_bytes for cost in self.costs),
        )


class Verdict(msgspec.Struct, frozen=True):
    """A target, what was measured instead, and whether that meets it. None: not a target, only a ratio."""

    target: str
    measured: str
    met: bool | None


class Outcome(msgspec.Struct):
    """One section. `values` are bare numbers that other sections' ratios are made of."""

    title: str
    rows: list[tuple[str, str]] = msgspec.field(default_factory=list[tuple[str, str]])
    usage: Usage | None = None
    verdicts: list[Verdict] = msgspec.field(default_factory=list[Verdict])
    values: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    error: str = ""
