"""How many dead letters there were lately: from the headers of their messages, without reading any of them."""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime

from pipeline.events.dead_letter_batch import read_headers
from pipeline.stream.connection import StreamConnection
from pipeline.stream.dead_letter_scan import scan
from pipeline.stream.topology import dead_subjects, source_and_reason


async def letters_by_minute(connection: StreamConnection, since: datetime) -> Mapping[str, Mapping[int, int]]:
    """Letters that have failed since then, by source and by minute since 1970. Raises StreamUnavailable.

    The letters of a message count in the minute of the last of them: they have failed within moments of each other.
    """
    found: dict[str, dict[int, int]] = {}
    async with aclosing(
        scan(connection, dead_subjects(None, None), headers_only=True, since=since)
    ) as messages:
        async for message in messages:
            headers = read_headers(message.headers)
            # What was written anew since then may have failed long before.
            if headers is None or headers.failed_to < since:
                continue
            source, _ = source_and_reason(message.subject)
            minutes = found.setdefault(source, {})
            minute = int(headers.failed_to.timestamp()) // 60
            minutes[minute] = minutes.get(minute, 0) + headers.letters
    return found
