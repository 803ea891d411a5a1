"""Documents lead where they say: the list at the top of docs/operations.md is whole, and every link has an end."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(path: Path) -> str:
    return _FENCED.sub("", path.read_text())


def anchor(heading: str) -> str:
    """As a web page makes it from a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {anchor(heading) for _, heading in _HEADING.findall(prose(path))}


def links() -> Iterator[tuple[Path, str]]:
    for path in DOCUMENTS:
        for link in _LINK.findall(prose(path)):
            if "://" not in link and not link.startswith("mailto:"):
                yield path, link


@pytest.mark.parametrize(
    ("path", "link"), [pytest.param(path, link, id=f"{path.name}: {link}") for path, link in links()]
)
def test_a_link_leads_somewhere(path: Path, link: str) -> None:
    name, _, fragment = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    assert target.exists()
    assert not fragment or fragment in anchors(target), f"{target.name} has no heading for #{fragment}"


def test_the_list_at_the_top_of_operations_names_every_section_in_order() -> None:
    text = prose(ROOT / "docs" / "operations.md")
    listed = re.findall(r"^- \[(.+)\]\(#.+\)$", text.partition("\n## ")[0], re.MULTILINE)
    assert listed == [heading for marks, heading in _HEADING.findall(text) if marks == "##"]
