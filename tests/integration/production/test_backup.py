"""With the rights of the account `backup`, streams are copied and put back, and nothing else is."""

from pipeline.chassis.settings import load_settings
from pipeline.stream import StreamConnection, StreamSettings
from pipeline.stream.snapshots import SNAPSHOT_STREAMS, put_back, take_snapshot
from tests.integration.production.servers import Nats


async def test_the_account_for_backups_can_take_and_put_back_every_stream(streams: Nats) -> None:
    connection = StreamConnection(load_settings(StreamSettings, streams.settings("backup")), "backup")
    await connection.open()
    for name in SNAPSHOT_STREAMS:
        chunks: list[bytes] = []
        snapshot = await take_snapshot(connection, name, chunks.append)
        assert await put_back(connection, name, snapshot, chunks) == 0
    await connection.close()
