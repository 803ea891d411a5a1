"""The reports on posts against the truth: every figure must be equal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from publisher.ledger import Offence, Offender
from publisher.social.truth import Figures


def compare_post(post: str, told: Mapping[str, Any] | None, figures: Figures) -> Iterator[Offender]:
    """`GET /posts/{id}`; `told` None: the reporter knows nothing of it, which is right where all is zero."""
    for name, counted in figures._asdict().items():
        figure = 0 if told is None else told[name]
        if figure != counted:
            yield _wrong(f"{name} of {post}", figure, counted)


def compare_top(
    window: str, rows: Sequence[Mapping[str, Any]], limit: int, prefix: str, likes: Mapping[str, int]
) -> Iterator[Offender]:
    """`GET /posts/top`, in which others may have posts, too. Ours begin with `prefix`; `likes` is all that they have.

    A list that is full must hold all of ours with more likes than its last, another one all that anybody likes.
    """
    told = {row["postId"]: row["likes"] for row in rows}
    least = rows[-1]["likes"] if len(rows) >= limit else 0
    for post, figure in told.items():
        if post.startswith(prefix) and figure != likes.get(post, 0):
            yield _wrong(f"likes of {post} in the top of the {window}", figure, likes.get(post, 0))
    for post, counted in likes.items():
        if counted > least and post not in told:
            yield Offender(
                Offence.WRONG_FIGURE, f"top of the {window}", f"{post} with {counted} likes is missing"
            )
    ranks = [(-row["likes"], row["postId"]) for row in rows]
    if ranks != sorted(ranks):
        yield Offender(Offence.WRONG_FIGURE, f"top of the {window}", "is not in order")


def _wrong(subject: str, told: int, counted: int) -> Offender:
    return Offender(Offence.WRONG_FIGURE, subject, f"the report says {told}, counted {counted}")
