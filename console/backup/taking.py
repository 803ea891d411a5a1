"""Taking a backup while everything goes on.

The order is what makes it whole. EVENTS comes first: what is accepted is in it until it is stored, so what leaves it
later is in the database when that is dumped. DEAD_LETTERS comes after EVENTS: what a collector refuses is a dead letter
before it leaves EVENTS. NOTIFICATIONS comes after the database: what people are told is published before it leaves the
outbox there; the same notice from both is known by its message id, or told twice when it is restored much later.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from console.backup.manifest import (
    BackupUnusable,
    FileBeingSaved,
    Manifest,
    SavedDatabase,
    SavedStream,
    write_manifest,
)
from console.backup.postgres_programs import PostgresPrograms
from pipeline.stream.inspection import StreamInspection
from pipeline.stream.snapshots import SNAPSHOT_STREAMS, take_snapshot

BEFORE_THE_DATABASE = SNAPSHOT_STREAMS[:2]
AFTER_THE_DATABASE = SNAPSHOT_STREAMS[2:]
DATABASE_FILE = "database.dump"

Told = Callable[[str, int], object]
"""Is told what is being saved, and how many more bytes of it are."""


class BackupFolder:
    """A new folder, and what has been saved to it so far. Raises BackupUnusable when something is in it already."""

    def __init__(self, path: Path, told: Told) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(path.iterdir()):
                raise BackupUnusable(f"{path} is not empty: every backup has a folder of its own")
        except OSError as error:
            raise BackupUnusable(f"{path}: {error.strerror}") from error
        self.path = path
        self.begun = datetime.now(UTC)
        self.streams: list[SavedStream] = []
        self.database: SavedDatabase | None = None
        self._told = told

    async def save_streams(self, inspection: StreamInspection, names: tuple[str, ...]) -> None:
        """Raises SnapshotRefused, StreamUnavailable, OSError."""
        for name in names:
            with FileBeingSaved(self.path, f"{name}.snapshot") as file:
                snapshot = await take_snapshot(inspection.connection, name, self._teller(name, file))
            self.streams.append(SavedStream(name, file.saved(), snapshot))

    async def save_database(self, programs: PostgresPrograms, facts: dict[str, Any]) -> None:
        """`facts` are `migrations` (a JSON list) and `postgres` of the server. Raises ProgramFailed, OSError."""
        with FileBeingSaved(self.path, DATABASE_FILE) as file:
            await programs.dump(self._teller("database", file))
        self.database = SavedDatabase(
            file.saved(), msgspec.json.decode(facts["migrations"], type=list[str]), facts["postgres"]
        )

    def finish(self, nats: str) -> Manifest:
        """Writes the manifest: from now on it is a backup."""
        manifest = Manifest(self.begun, datetime.now(UTC), nats, self.streams, self.database)
        write_manifest(self.path, manifest)
        return manifest

    def _teller(self, what: str, file: FileBeingSaved) -> Callable[[bytes], object]:
        def write(chunk: bytes) -> None:
            file.write(chunk)
            self._told(what, len(chunk))

        return write
