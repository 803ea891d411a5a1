"""What a rule may say. A rule is data: a table of the rules file, checked before anything is judged by it."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import Meta

Kind = Literal["FRAUD", "MILESTONE", "ABSENCE", "ERROR_RATE"]
"""What an alert is about. The `kind` of a rule says how it looks, this says what it found."""

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Minutes = Annotated[int, Meta(ge=1, le=1440)]
Share = Annotated[float, Meta(gt=0, le=1)]
Count = Annotated[int, Meta(ge=1)]

HISTORY_MINUTES = 180
"""What is usual here is what all other posts together looked like over so many minutes before."""


class _Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    name: Name


class _Episodic(_Rule, frozen=True, kw_only=True):
    """Opens when its value reaches `threshold`, clears when it falls below `clear_threshold`."""

    raises: ClassVar[Kind]

    window_minutes: Minutes
    """The value is that of the last so many minutes."""
    threshold: float
    clear_threshold: float
    cool_down_minutes: Annotated[int, Meta(ge=0, le=10_080)]
    """After an alert was cleared, its suppression key raises none for so long."""
    suppression_key: Name | None = None
    """Rules with the same key raise one alert between them for a subject. By default the rule's own name."""

    @property
    def key(self) -> str:
        """The suppression key, without the subject."""
        return self.suppression_key or self.name

    def __post_init__(self) -> None:
        if not 0 < self.clear_threshold < self.threshold:
            raise ValueError(
                "clear_threshold: must lie between 0 and threshold, so that an alert does not flicker"
            )


class Concentration(_Episodic, frozen=True, kw_only=True, tag="concentration"):
    """Many likes from new accounts, or from one address. The value is the share of the window's likes by which these
    exceed what is usual here: an estimate of how many were not given by people. 1 is a share that reaches its
    threshold."""

    raises = "FRAUD"

    threshold: Share
    address_threshold: Share
    """In place of `threshold` where the likes come from few addresses: carriers bring some posts more than others."""
    min_suspicious: Count
    """The share must come to so many likes to open an alert, and to half of that to keep it open: a school class that
    likes a post from one address is no attack."""
    significance: Annotated[float, Meta(ge=1)] = 6.0
    """By how many standard deviations the excess must stand out of chance."""
    usual_likes: Count = 200
    """As long as all other posts together had fewer likes than this, nobody knows what is usual: nothing is judged."""


class Growth(Concentration, frozen=True, kw_only=True, tag="growth"):
    """The same for a post that also grows far above its own baseline, so that less must come together."""

    growth_factor: Annotated[float, Meta(gt=1)]
    """The window's likes are so many times those of as many minutes of the baseline."""
    baseline_minutes: Minutes
    """The time before the window that is the post's baseline."""


class Flapping(_Episodic, frozen=True, kw_only=True, tag="flapping"):
    """Likes that are taken back again and again by the same users. The value is how many of these in the window."""

    raises = "FRAUD"

    min_share: Share
    """Such flips must be at least this share of likes and flips together."""


class Absence(_Episodic, frozen=True, kw_only=True, tag="absence"):
    """A source that used to send, and sends no more. The value is the silence in minutes."""

    raises = "ABSENCE"

    baseline_minutes: Minutes
    """The time before the window in which it must have sent."""
    active_share: Share
    """In at least this share of the minutes of the baseline."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold > self.window_minutes:
            raise ValueError("threshold: a silence longer than window_minutes cannot be seen")


class ErrorRate(_Episodic, frozen=True, kw_only=True, tag="error_rate"):
    """Too many dead letters. The value is their share of all events of a source in the window."""

    raises = "ERROR_RATE"

    threshold: Share
    min_failures: Count
    """Fewer dead letters than this are no rate."""


class Milestone(_Rule, frozen=True, kw_only=True, tag="milestone"):
    """Numbers of likes that a post reaches: each is told once, for ever."""

    raises: ClassVar[Kind] = "MILESTONE"

    steps: Annotated[tuple[Count, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError("steps: must rise")


PostRule = Concentration | Growth | Flapping
SourceRule = Absence | ErrorRate
EpisodicRule = PostRule | SourceRule
Rule = PostRule | SourceRule | Milestone

RuleT = TypeVar("RuleT", bound=_Episodic)


class RuleProblem(Exception):
    """The rules cannot be used. The message names the rule and its field."""


class RuleSet(msgspec.Struct, frozen=True):
    """All rules that are in force, by what they judge."""

    posts: tuple[PostRule, ...]
    sources: tuple[SourceRule, ...]
    milestones: tuple[Milestone, ...]

    @property
    def names(self) -> list[str]:
        """Of all rules."""
        return [rule.name for rule in (*self.posts, *self.sources, *self.milestones)]

    @property
    def longest_minutes(self) -> int:
        """How far back a rule looks at a post, at most."""
        spans = [rule.window_minutes + getattr(rule, "baseline_minutes", 0) for rule in self.posts]
        windows = [rule.window_minutes for rule in self.posts]
        return max([HISTORY_MINUTES + max(windows, default=0), *spans])


def parse_rules(tables: Iterable[Any]) -> RuleSet:
    """The rules of a file's `[[rule]]` tables. Raises RuleProblem."""
    rules = [_parse(number, table) for number, table in enumerate(tables, 1)]
    names = [rule.name for rule in rules]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RuleProblem(f"rule {min(twice)!r}: name: there are two of that name")
    found = RuleSet(
        posts=tuple(rule for rule in rules if isinstance(rule, PostRule)),
        sources=tuple(rule for rule in rules if isinstance(rule, SourceRule)),
        milestones=tuple(rule for rule in rules if isinstance(rule, Milestone)),
    )
    _check_keys(found)
    return found


def by_key(rules: Sequence[RuleT]) -> dict[str, list[RuleT]]:
    """The rules that raise one alert between them, by their suppression key."""
    groups: dict[str, list[RuleT]] = {}
    for rule in rules:
        groups.setdefault(rule.key, []).append(rule)
    return groups


def _parse(number: int, table: Any) -> Rule:
    given: Any = table.get("name") if isinstance(table, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    called = f"rule {given!r}" if isinstance(given, str) else f"rule number {number}"
    try:
        return msgspec.convert(table, Rule)
    except msgspec.ValidationError as error:
        message, at, path = str(error).rpartition(" - at ")
        field = path.strip("`$.")
        raise RuleProblem(f"{called}: {field}: {message}" if at and field else f"{called}: {error}") from None


def _check_keys(rules: RuleSet) -> None:
    """An alert has one kind, so rules that share a key must raise the same."""
    raised: dict[str, Kind] = {}
    for rule in (*rules.posts, *rules.sources):
        if raised.setdefault(rule.key, rule.raises) != rule.raises:
            raise RuleProblem(
                f"rule {rule.name!r}: suppression_key: {rule.key!r} is of rules of another kind"
            )
