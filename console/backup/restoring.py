"""Putting a backup back: everything that could be wrong is looked for before anything is touched."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import httpx

from console.backup import database as tables
from console.backup.manifest import Manifest, SavedFile, chunks_of
from console.backup.postgres_programs import PostgresPrograms
from console.backup.taking import Told
from pipeline.errors import SluiceError
from pipeline.store import Database
from pipeline.stream.inspection import StreamInspection
from pipeline.stream.snapshots import count_messages, put_back

_ANSWER_SECONDS = 2.0


class RestoreRefused(SluiceError):
    """Restoring now would destroy something. The message says what, and what to do."""


async def refuse_while_running(addresses: Iterable[str]) -> None:
    """Services that run would make streams anew and write into tables that go. Raises RestoreRefused."""

    async def answers(client: httpx.AsyncClient, address: str) -> bool:
        try:
            return (await client.get(f"{address}/health/live")).status_code > 0
        except httpx.HTTPError:
            return False

    wanted = list(addresses)
    async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
        found = await asyncio.gather(*(answers(client, address) for address in wanted))
    if running := [address for address, alive in zip(wanted, found, strict=True) if alive]:
        raise RestoreRefused(
            f"services are running ({', '.join(running)}): stop them first. In a local start: "
            "./start.sh stop, then ./start.sh --local --servers-only"
        )


async def refuse_over_data(
    manifest: Manifest, inspection: StreamInspection | None, database: Database | None
) -> None:
    """Only `--force` overwrites events, letters or notifications that are there. Raises RestoreRefused."""
    found: list[str] = []
    if database is not None and await tables.holds_events(database):
        found.append("the database holds events")
    if inspection is not None:
        for name in (stream.name for stream in manifest.streams):
            count = await count_messages(inspection.connection, name)
            found += [f"the stream {name} holds {count:,} messages"] if count else []
    if found:
        raise RestoreRefused(f"{'; '.join(found)}. --force replaces what is there, for good")


async def restore_database(
    programs: PostgresPrograms, database: Database, dump: Path, *, privileges: bool
) -> int:
    """Returns how many events there are then. Raises ProgramFailed, StoreUnavailable."""
    programs.find("pg_restore")  # before anything is dropped
    await tables.empty(database)
    await programs.restore(dump, privileges=privileges)
    return await tables.settle(database)


async def restore_streams(
    folder: Path, manifest: Manifest, inspection: StreamInspection, told: Told
) -> dict[str, int]:
    """Returns how many messages each holds then. Raises SnapshotRefused, StreamUnavailable."""
    counts: dict[str, int] = {}
    for stream in manifest.streams:
        chunks = _told_of(stream.name, chunks_of(folder / stream.file.name), told)
        counts[stream.name] = await put_back(inspection.connection, stream.name, stream.snapshot, chunks)
    return counts


def total_bytes(files: Sequence[SavedFile]) -> int:
    """Of all of them."""
    return sum(file.bytes for file in files)


def _told_of(name: str, chunks: Iterator[bytes], told: Told) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        told(name, len(chunk))
