"""A backup that is taken at load, everything lost, and the backup put back: what was accepted before is all there.

The ledger of tests/faults knows of every id what was answered and when: window 0 is before the backup begins, 1 while
it is taken, 2 after it. What comes back must be all of window 0, each once; of the others it may be less, never twice.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.backup.manifest import read_manifest
from ops.local import binaries, database
from ops.local.servers import RunningServer
from tests.faults import questions
from tests.faults.ledger import Balance
from tests.faults.load import SPREAD_SECONDS, Load
from tests.faults.system import System, loaded, running_system, wait_for
from tests.processes import Process

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow, pytest.mark.timeout(240)]

BEFORE, MEANWHILE, AFTER = range(3)
PROGRAMS = str(binaries.postgres(18, "pg_dump").parent)
SUMS = """
SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM event_ledger), (SELECT sum(events) FROM event_rollups
        WHERE bucket_seconds = 3600), (SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 86400)
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    # A collector that is stopped and resumed must still be known to hold what it was given.
    settings = {"ACK_WAIT_SECONDS": "3", "NATS_PING_INTERVAL_SECONDS": "1"}
    with running_system(tmp_path_factory.mktemp("backup"), settings=settings) as system:
        yield system


def sluice(system: System, *arguments: str, **settings: str) -> Process:
    """`./sluice ARGUMENTS`, begun."""
    addresses = {
        "GATEWAY_URL": ",".join(gateway.url for gateway in system.gateways),
        "COLLECTOR_URLS": ",".join(
            f"{s}={each.url}" for s, some in system.collectors.items() for each in some
        ),
        "REPORTER_URL": system.reporters[0].url,
        "POSTGRES_PROGRAMS": PROGRAMS,
        "COLUMNS": "200",
    }
    process = system.services.program("sluice", "console", *arguments, **{**addresses, **settings})
    process.launch()
    return process


def ended(process: Process) -> tuple[int, str]:
    """Its exit status, and what it said."""
    status = process.wait(120)
    said = process.log.read_text()
    assert "Traceback" not in said, said
    return status, said


def end_services(system: System) -> None:
    for process in system.processes:
        process.end()


def start_services(system: System) -> None:
    system.launch(*system.processes)
    for process in system.processes:
        process.wait_ready(60)


def lose_everything(system: System) -> None:
    """The disks of NATS and Postgres are new and empty. Redis keeps counters of what nobody else knows any more."""
    end_services(system)
    for server in (system.nats, system.postgres):
        server.stop()
        wipe(server)
        system.start_server(server)
    database.ensure(system.postgres.url)


def wipe(server: RunningServer) -> None:
    shutil.rmtree(server.server.directory)
    server.server.directory.mkdir()


def drain(system: System) -> None:
    def waiting() -> str | None:
        count = system.backlog()
        return f"{count} batches" if count else None

    wait_for("an empty stream", waiting, 60)


def balance(system: System, load: Load) -> Balance:
    start_ms = load.began_ms - int(SPREAD_SECONDS * 1000) - 2000
    end_ms = int(time.time() * 1000) + 2000
    stored = questions.in_postgres(
        system.postgres.url, lambda look: questions.stored_between(look, start_ms, end_ms), 60
    )
    return load.ledger.compare(stored)


def reports(system: System) -> dict[str, Any]:
    """For all time, so that nobody has to know when the events happened."""
    found: dict[str, Any] = {}
    for name in ("events", "revenue", "demographics"):
        answer = httpx.get(
            f"{system.reporters[0].url}/reports/{name}", params={"from": "2020-01-01"}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        found[name] = answer.json()
    return found


def assert_counters_agree(system: System) -> None:
    def problem() -> str | None:
        status, said = ended(
            sluice(system, "counters", "check", "--source", "facebook", "--source", "tiktok")
        )
        return None if status == 0 else said

    wait_for("live counters that agree with Postgres", problem, 30)


def letters(system: System) -> questions.Letters:
    return questions.in_nats(system.nats.url, questions.read_letters)


def test_all_that_was_accepted_before_a_backup_at_load_comes_back_once(
    system: System, tmp_path: Path
) -> None:
    load = loaded(system, seed=5, rate=2000)
    load.start()
    (paused,) = system.collectors["facebook"]

    def flows() -> str | None:
        return None if sum(system.stored().values()) > 2000 else "little is stored yet"

    wait_for("events", flows, 30)
    paused.pause()  # what waits in the stream is in no dump

    def piles_up() -> str | None:
        return None if system.backlog() > 100 else f"{system.backlog()} batches wait"

    wait_for("a backlog", piles_up, 30)
    kept_before = set(load.rejected)
    load.watch(MEANWHILE)
    folder = tmp_path / "backup"
    status, said = ended(sluice(system, "backup", str(folder)))
    assert status == 0, said
    assert read_manifest(folder).streams[0].snapshot.messages > 100
    load.watch(AFTER)
    sent = load.account.totals.sent
    paused.resume()

    def goes_on() -> str | None:
        return None if load.account.totals.sent > sent + 3000 else "little was sent since"

    wait_for("load after the backup", goes_on, 30)
    load.stop()
    drain(system)
    whole = balance(system, load)
    assert [whole.lost, whole.doubled, whole.leaked] == [{}, {}, {}], whole.offenders

    lose_everything(system)
    status, said = ended(sluice(system, "restore", str(folder)))
    assert status == 0, said
    start_services(system)
    drain(system)

    after = balance(system, load)
    assert after.lost[BEFORE] == 0, after.offenders
    assert not after.doubled, after.offenders
    assert not after.leaked, after.offenders
    assert after.lost[AFTER] > 0, "nothing was lost, so nothing was tested"
    assert kept_before <= letters(system).digests
    assert len(set(database.statement(system.postgres.url, SUMS).split("|"))) == 1
    assert_counters_agree(system)


def test_what_was_lost_can_be_sent_again_and_reports_are_as_they_were(system: System, tmp_path: Path) -> None:
    load = loaded(system, seed=6, rate=2000)
    load.start()

    def enough() -> str | None:
        return None if load.account.totals.accepted > 4000 else f"{load.account.totals}"

    wait_for("events", enough, 30)
    load.stop()
    drain(system)
    folder = tmp_path / "backup"
    assert ended(sluice(system, "backup", str(folder)))[0] == 0
    said_before, letters_before = reports(system), letters(system)

    lose_everything(system)
    database.migrate(
        system.postgres.url
    )  # as ./start.sh --servers-only does: tables without events are no data
    status, said = ended(sluice(system, "restore", str(folder)))
    assert status == 0, said
    start_services(system)
    drain(system)

    assert reports(system) == said_before
    assert letters(system) == letters_before
    assert load.send_again() > 0
    drain(system)
    assert reports(system) == said_before  # the ledger came back, too


def test_a_restore_refuses_before_it_touches_anything(system: System, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    assert ended(sluice(system, "backup", str(folder)))[0] == 0
    before = database.statement(system.postgres.url, SUMS)

    def refused(*arguments: str) -> str:
        status, said = ended(sluice(system, "restore", *arguments))
        assert status == 1, said
        assert database.statement(system.postgres.url, SUMS) == before
        return said

    assert "services are running" in refused(str(folder), "--force")
    end_services(system)
    said = refused(str(folder))
    assert "the database holds events" in said
    assert "--force replaces what is there" in said
    assert "not empty" in ended(sluice(system, "backup", str(folder)))[1]

    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    content = bytearray((damaged / "database.dump").read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / "database.dump").write_bytes(content)
    assert "database.dump is damaged" in refused(str(damaged), "--force")
    (damaged / "database.dump").write_bytes(content[:-1])
    assert f"instead of {len(content):,}" in refused(str(damaged), "--force")
    (damaged / "database.dump").unlink()
    assert "No such file" in refused(str(damaged), "--force")
    (damaged / "manifest.json").write_text("{}")
    assert "manifest.json is damaged" in refused(str(damaged), "--force")
    (damaged / "manifest.json").unlink()
    assert "holds no finished backup" in refused(str(damaged), "--force")
    assert "No such file" in refused(str(tmp_path / "nowhere"))

    status, said = ended(sluice(system, "restore", str(folder), "--force", POSTGRES_PROGRAMS=str(tmp_path)))
    assert (status, "there is no pg_restore" in said) == (1, True), said
    assert database.statement(system.postgres.url, SUMS) == before

    status, said = ended(sluice(system, "restore", str(folder), "--check"))
    assert (status, "is complete and undamaged" in said) == (0, True), said
    status, said = ended(sluice(system, "restore", str(folder), "--force"))  # over what is there
    assert status == 0, said
    assert database.statement(system.postgres.url, SUMS) == before
    start_services(system)


def test_a_lost_database_comes_back_beside_a_stream_that_survived(system: System, tmp_path: Path) -> None:
    """The stream is newer than the dump: what waits in it is kept, and what both know is stored once."""
    load = loaded(system, seed=8, rate=2000)
    folder = tmp_path / "backup"
    load.start()

    def some() -> str | None:
        return None if load.account.totals.accepted > 2000 else f"{load.account.totals}"

    wait_for("events", some, 30)
    load.stop()
    drain(system)
    load.watch(MEANWHILE)
    assert ended(sluice(system, "backup", str(folder), "--only", "database"))[0] == 0
    for collector in system.all_collectors:
        collector.pause()
    load.watch(AFTER)
    sent = load.account.totals.accepted
    load.start()

    def more() -> str | None:
        return None if load.account.totals.accepted > sent + 2000 else f"{load.account.totals}"

    wait_for("events that wait", more, 30)
    load.stop()

    end_services(system)
    system.postgres.stop()
    wipe(system.postgres)
    system.start_server(system.postgres)
    database.ensure(system.postgres.url)
    status, said = ended(sluice(system, "restore", str(folder)))
    assert status == 0, said
    start_services(system)
    drain(system)
    after = balance(system, load)
    assert [after.lost, after.doubled, after.leaked] == [{}, {}, {}], after.offenders
