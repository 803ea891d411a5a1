"""The files of a backup, and where a DATABASE_URL leads Postgres' own programs."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.backup.manifest import (
    BackupUnusable,
    FileBeingSaved,
    Manifest,
    SavedStream,
    read_manifest,
    verify,
    write_manifest,
)
from console.backup.postgres_programs import PostgresPrograms, ProgramFailed, connection_variables
from console.backup.restoring import refuse_while_running
from console.backup.taking import BackupFolder
from pipeline.stream.snapshots import StreamSnapshot

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def saved(folder: Path) -> Manifest:
    with FileBeingSaved(folder, "EVENTS.snapshot") as file:
        file.write(b"some ")
        file.write(b"bytes")
    stream = SavedStream("EVENTS", file.saved(), StreamSnapshot({"name": "EVENTS"}, {"messages": 2}))
    manifest = Manifest(NOW, NOW, "2.12.0", [stream], None)
    write_manifest(folder, manifest)
    return manifest


def test_a_manifest_says_what_was_saved_and_nobody_else_can_read_any_of_it(tmp_path: Path) -> None:
    manifest = saved(tmp_path)
    assert read_manifest(tmp_path) == manifest
    assert manifest.files[0].bytes == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["EVENTS.snapshot", "manifest.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_whole_files_pass_and_their_bytes_are_counted(tmp_path: Path) -> None:
    counted: list[int] = []
    verify(tmp_path, saved(tmp_path).files, counted.append)
    assert sum(counted) == 10


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"some byteS", "is damaged"), (b"some byte", "has 9 bytes instead of 10"), (None, "No such file")],
)
def test_what_is_not_as_it_was_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    manifest, path = saved(tmp_path), tmp_path / "EVENTS.snapshot"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BackupUnusable, match=f"EVENTS.snapshot:? {words}"):
        verify(tmp_path, manifest.files, lambda _: None)


def test_a_backup_of_another_format_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    text = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(BackupUnusable, match="has format 2, and this version reads 1"):
        read_manifest(tmp_path)


def test_every_backup_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "deep" / "folder", lambda _name, _count: None)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    saved(folder.path)
    with pytest.raises(BackupUnusable, match="is not empty"):
        BackupFolder(folder.path, lambda _name, _count: None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://sluice:p%40ss@db.example:6543/events",
            {
                "PGHOST": "db.example",
                "PGPORT": "6543",
                "PGUSER": "sluice",
                "PGPASSWORD": "p@ss",
                "PGDATABASE": "events",
            },
        ),
        ("postgresql://u:p@h/d?host=/run/postgresql", {"PGHOST": "/run/postgresql", "PGPORT": "5432"}),
        (
            "postgresql://u:p@h/d?sslmode=verify-full&sslcert=/run/ca.crt",
            {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/run/ca.crt"},
        ),
        (
            "postgresql://u:p@h/d?sslrootcert=/ca.crt&sslcert=/my.crt&sslkey=/my.key",
            {"PGSSLROOTCERT": "/ca.crt", "PGSSLCERT": "/my.crt", "PGSSLKEY": "/my.key"},
        ),
    ],
)
def test_a_database_url_in_the_words_of_postgres_programs(url: str, expected: dict[str, str]) -> None:
    found = connection_variables(url)
    assert expected.items() <= found.items()


def test_a_program_that_is_missing_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    url = "postgresql://u:p@h/d"
    with pytest.raises(ProgramFailed, match="there is no pg_dump on the path"):
        PostgresPrograms(url, "", {"PATH": str(tmp_path)}).find("pg_dump")
    with pytest.raises(ProgramFailed, match=r"\(POSTGRES_PROGRAMS\)"):
        PostgresPrograms(url, str(tmp_path), {}).find("pg_dump")


async def test_services_that_do_not_answer_do_not_run() -> None:
    await refuse_while_running(["http://127.0.0.1:1"])
