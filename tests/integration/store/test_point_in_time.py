"""What docs/operations.md says of write-ahead logs: a base copy and the archive bring back all that was archived."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local import account, binaries, database, servers
from ops.local.postgres_server import DEFAULT_VERSION
from ops.local.servers import RunningServer
from ops.local.waiting import wait_until

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow]

PASSWORD = servers.new_password()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where the archive is kept: a folder here, another machine in earnest."""
    folder = tmp_path / "archive"
    folder.mkdir()
    account.hand_over(folder)
    return folder


@pytest.fixture
def postgres(tmp_path: Path, archive: Path) -> Iterator[RunningServer]:
    settings = {
        "archive_mode": "on",
        "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f",
        "restore_command": f"cp {archive}/%f %p",
    }
    with servers.running(servers.postgres(tmp_path, password=PASSWORD, settings=settings)) as server:
        yield server


def base_backup(server: RunningServer, folder: Path) -> None:
    """pg_basebackup, as somebody at a shell would call it."""
    program = binaries.postgres(DEFAULT_VERSION, "pg_basebackup")
    command = (str(program), "--checkpoint=fast", f"--dbname={server.url}", "-D", str(folder))
    subprocess.run(command, check=True, capture_output=True, timeout=60, cwd="/")


def test_what_was_archived_comes_back_and_nothing_after_it(
    tmp_path: Path, archive: Path, postgres: RunningServer
) -> None:
    database.ensure(postgres.url)
    database.statement(postgres.url, "CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS number")
    base = tmp_path / "base"
    base_backup(postgres, base)
    database.statement(postgres.url, "INSERT INTO numbers SELECT generate_series(1001, 5000)")
    segment = database.statement(postgres.url, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    database.statement(postgres.url, "SELECT pg_switch_wal()")
    wait_until("the archive", lambda: None if (archive / segment).exists() else f"no {segment} yet", 30)
    database.statement(postgres.url, "INSERT INTO numbers VALUES (0)")  # in no archive yet
    postgres.kill()

    data = postgres.server.directory / str(DEFAULT_VERSION)
    shutil.rmtree(data)
    shutil.move(base, data)
    (data / "recovery.signal").touch()
    data.chmod(0o700)
    for path in (data, *data.rglob("*")):
        account.hand_over(path)
    postgres.start()

    def ends_recovery() -> str | None:
        recovering = database.statement(postgres.url, "SELECT pg_is_in_recovery()")
        return "still in recovery" if recovering == "t" else None

    wait_until("the end of recovery", ends_recovery, 30)
    found = database.statement(postgres.url, "SELECT count(*), min(number), max(number) FROM numbers")
    assert found == "5000|1|5000"
