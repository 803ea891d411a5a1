"""A program comes out of a package of Debian without root, whether or not this machine has the lists of packages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.local import debian, install, start

APT = """#!/bin/sh
# Stands in for the archive. The first download fails as it does where no lists are.
case "$*" in
  *update*) touch "{folder}/updated" ;;
  *download*)
    [ -e "{folder}/updated" ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}
    cp "{folder}/tool.deb" . ;;
esac
echo "$*" >> "{folder}/calls"
"""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an `apt-get` that knows one package, which has one program."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("there is no dpkg-deb to make a package with")
    contents = tmp_path / "contents"
    (contents / "DEBIAN").mkdir(parents=True)
    control = (
        "Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: N <n@example.org>\nDescription: none\n"
    )
    (contents / "DEBIAN" / "control").write_text(control)
    (contents / "usr" / "bin").mkdir(parents=True)
    (contents / "usr" / "bin" / "tool").write_text("#!/bin/sh\necho works\n")
    (contents / "usr" / "bin" / "tool").chmod(0o755)
    command = ["dpkg-deb", "--root-owner-group", "--build", str(contents), str(tmp_path / "tool.deb")]
    subprocess.run(command, check=True, capture_output=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apt-get").write_text(APT.format(folder=tmp_path))
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_a_package_is_unpacked_in_place_of_what_was_there(archive: Path) -> None:
    (archive / "updated").touch()
    folder = archive / "product"
    folder.mkdir()
    (folder / "old").touch()

    debian.unpack("tool", folder)

    assert (
        subprocess.run([folder / "usr" / "bin" / "tool"], capture_output=True, check=True).stdout
        == b"works\n"
    )
    assert not (folder / "old").exists()
    assert len((archive / "calls").read_text().splitlines()) == 1


def test_without_lists_of_packages_it_brings_its_own(archive: Path) -> None:
    debian.unpack("tool", archive / "product")

    assert (archive / "product" / "usr" / "bin" / "tool").exists()
    update, download = (archive / "calls").read_text().splitlines()
    assert "Dir::State::Lists=" in update
    assert "Dir::State::Lists=" in download


def test_without_apt_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(debian.UnpackError, match="no apt-get and no dpkg-deb"):
        debian.unpack("tool", tmp_path / "product")


def test_what_only_checks_want_stops_nothing_when_it_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise install.InstallError("the archive is away")

    step = install.Step("Something for the tests", tmp_path / "stamp", ("1",), fail)
    monkeypatch.setattr(install, "steps", list[install.Step])
    monkeypatch.setattr(install, "development_steps", lambda: [step])

    start.install_for_development()

    assert "the archive is away" in capsys.readouterr().out
    assert step.is_due()
