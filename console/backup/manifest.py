"""What a backup consists of: files in one folder, and a manifest that is written when all of them are complete."""

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from pipeline.errors import PermanentError
from pipeline.stream.snapshots import CHUNK_BYTES, StreamSnapshot

MANIFEST = "manifest.json"
FORMAT = 1


class BackupUnusable(PermanentError):
    """A folder that holds no complete, undamaged backup. The message says what is wrong with it."""


class SavedFile(msgspec.Struct, frozen=True):
    """A file of the folder, as it was when it was complete."""

    name: str
    bytes: int
    sha256: str


class SavedStream(msgspec.Struct, frozen=True):
    name: str
    file: SavedFile
    snapshot: StreamSnapshot


class SavedDatabase(msgspec.Struct, frozen=True):
    """`migrations` are those that were applied, `postgres` is the server's version."""

    file: SavedFile
    migrations: list[str]
    postgres: str


class Manifest(msgspec.Struct, frozen=True):
    """Everything that was accepted before `begun` is in the backup. Times are UTC."""

    begun: datetime
    finished: datetime
    nats: str
    """The server's version; empty without streams."""
    streams: list[SavedStream]
    database: SavedDatabase | None
    format: int = FORMAT

    @property
    def files(self) -> list[SavedFile]:
        """All of them."""
        return [
            *(stream.file for stream in self.streams),
            *((self.database.file,) if self.database else ()),
        ]


class FileBeingSaved:
    """A new file that only its owner may read. A context manager; call `saved` after it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._file = os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._hash = hashlib.sha256()
        self.bytes = 0

    def __enter__(self) -> "FileBeingSaved":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def write(self, chunk: bytes) -> None:
        """Appends it. Raises OSError, such as of a full disk."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self.bytes += len(chunk)

    def saved(self) -> SavedFile:
        """What the manifest says about it."""
        return SavedFile(self._name, self.bytes, self._hash.hexdigest())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last step: without it a folder is no backup."""
    unfinished = FileBeingSaved(folder, f"{MANIFEST}.unfinished")
    with unfinished:
        unfinished.write(msgspec.json.format(msgspec.json.encode(manifest)))
    (folder / f"{MANIFEST}.unfinished").rename(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Raises BackupUnusable."""
    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError as error:
        if folder.is_dir():
            raise BackupUnusable(f"{folder} holds no finished backup: it has no {MANIFEST}") from error
        raise BackupUnusable(f"{folder}: {error.strerror}") from error
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupUnusable(f"{folder / MANIFEST} is damaged: {error}") from error
    if manifest.format != FORMAT:
        raise BackupUnusable(f"{folder} has format {manifest.format}, and this version reads {FORMAT}")
    return manifest


def verify(folder: Path, files: list[SavedFile], advance: Callable[[int], object]) -> None:
    """Reads every file and compares it. Raises BackupUnusable with the first that is not as it was."""
    for file in files:
        path = folder / file.name
        try:
            size = path.stat().st_size
            if size != file.bytes:
                raise BackupUnusable(f"{path} has {size:,} bytes instead of {file.bytes:,}")
            found = hashlib.sha256()
            for chunk in chunks_of(path):
                found.update(chunk)
                advance(len(chunk))
        except OSError as error:
            raise BackupUnusable(f"{path}: {error.strerror}") from error
        if found.hexdigest() != file.sha256:
            raise BackupUnusable(f"{path} is damaged: its checksum is another than when it was saved")


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
