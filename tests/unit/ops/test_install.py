"""Products are made again exactly when what they are made from has changed."""

from pathlib import Path

import pytest

from ops.local import install


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "lock"
    path.write_text("one")
    return path


def step(tmp_path: Path, source: Path) -> install.Step:
    return install.Step("product", tmp_path / "product" / ".made-from", (source, "1.0"), lambda: None)


def test_a_product_that_was_never_made_is_due(tmp_path: Path, source: Path) -> None:
    assert step(tmp_path, source).is_due()


def test_a_product_that_was_made_is_not_due(tmp_path: Path, source: Path) -> None:
    step(tmp_path, source).run()
    assert not step(tmp_path, source).is_due()


def test_a_changed_source_makes_it_due(tmp_path: Path, source: Path) -> None:
    step(tmp_path, source).run()
    source.write_text("two")
    assert step(tmp_path, source).is_due()


def test_a_step_that_fails_stays_due(tmp_path: Path, source: Path) -> None:
    def fail() -> None:
        raise install.InstallError("no network")

    failing = install.Step("product", tmp_path / "product" / ".made-from", (source, "1.0"), fail)
    with pytest.raises(install.InstallError):
        failing.run()
    assert failing.is_due()
