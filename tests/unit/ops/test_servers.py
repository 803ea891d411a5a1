"""The embedded servers for real: started, killed, paused, and gone at the end."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ops.local import database, processes, servers
from ops.local.embedded import EmbeddedServer

Describe = Callable[[Path], EmbeddedServer]
ALL: list[Describe] = [servers.nats, servers.postgres, servers.redis]


@pytest.mark.parametrize("describe", ALL, ids=["nats", "postgres", "redis"])
def test_a_server_comes_back_after_a_kill_and_leaves_nothing(describe: Describe, tmp_path: Path) -> None:
    with servers.running(describe(tmp_path)) as server:
        first = psutil.Process(server.pid)
        family = [first, *first.children(recursive=True)]
        assert server.server.problem() is None
        server.kill()
        assert server.server.problem() is not None
        server.start()
        assert server.server.problem() is None
        second = psutil.Process(server.pid)
        family += [second, *second.children(recursive=True)]
    assert processes.wait_gone(family, timeout_seconds=5) == []


def test_a_paused_server_does_not_answer_and_a_resumed_one_does(tmp_path: Path) -> None:
    with servers.running(servers.redis(tmp_path)) as redis:
        redis.pause()
        assert "no answer" in str(redis.server.problem())
        redis.resume()
        assert redis.server.problem() is None


def test_a_paused_server_can_be_stopped(tmp_path: Path) -> None:
    with servers.running(servers.nats(tmp_path)) as nats:
        process = psutil.Process(nats.pid)
        nats.pause()
    assert processes.alive([process]) == []


def test_data_survives_a_kill(tmp_path: Path) -> None:
    with servers.running(servers.postgres(tmp_path)) as postgres:
        database.ensure(postgres.url)
        database.statement(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        postgres.kill()
        postgres.start()
        assert database.statement(postgres.url, "SELECT answer FROM kept") == "42"


@pytest.mark.parametrize("version", [16, 18])
def test_both_versions_of_postgres_run(version: int, tmp_path: Path) -> None:
    with servers.running(servers.postgres(tmp_path, version=version)) as postgres:
        database.ensure(postgres.url)
        assert database.statement(postgres.url, "SHOW server_version").startswith(str(version))
        assert database.statement(postgres.url, "SELECT current_setting('fsync')") == "on"


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with servers.running(servers.postgres(tmp_path)) as postgres:
        wrong = postgres.url.replace(":s", ":x", 1)
        with pytest.raises(database.DatabaseError, match="authentication failed"):
            database.statement(wrong, "SELECT 1")
