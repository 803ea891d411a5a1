"""The open connections of one server: how many there may be, who has waited for too long, and how all of them end."""

import asyncio
import resource
from collections import Counter
from enum import Enum
from typing import Protocol

import structlog

from pipeline.chassis.server_settings import ServerSettings

log = structlog.get_logger()

SPARE_CONNECTIONS = 64
"""Connections above the limit that are still answered: probes as always, everything else with 503."""
_OTHER_FILES = 64
"""File descriptors that a service needs for other things than connections."""
_FEWEST = 8
_WATCH_SECONDS = 1.0
_CLOSING_WATCH_SECONDS = 0.05
_EVICT_AFTER_SECONDS = 1.0


class Room(Enum):
    """What a new connection finds."""

    FREE = "free"
    SPARE = "spare"
    NONE = "none"


class Connection(Protocol):
    """What is asked of a connection."""

    since: float
    """When it began to do what it is doing, on the event loop's clock."""

    @property
    def is_idle(self) -> bool:
        """Nothing was asked that is not answered, and nothing is on its way."""
        ...

    def enforce(self, now: float) -> None:
        """Ends it when a deadline has passed."""
        ...

    def hang_up(self) -> bool:
        """Closes it between two requests, unless the next one is already here. Returns whether it did."""
        ...

    def cut(self) -> bool:
        """Ends it now, with a 503 where an answer is owed. Returns whether work was cut short."""
        ...


class Connections:
    """A sweep once a second compares every connection with its deadlines: cheaper than a timer for each request."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.limit = _affordable(settings.connections_max)
        self.websockets = 0
        """Connections that were upgraded. They are not among the others any more."""
        self.websocket_limit = _affordable_websockets(settings.websockets_max, self.limit)
        self.refused: Counter[str] = Counter()
        """Connections that were ended by a rule, by the name of the rule."""
        self.discarding = 0
        """Connections that were answered for the last time and still send."""
        self.draining = False
        """A stop was asked for: every answer from now on is the last one of its connection."""
        self.were_cut = False
        """The time for stopping is over: requests that were still at work have been answered with 503."""
        self._open: set[Connection] = set()
        self._closing = False
        self._emptied = asyncio.Event()
        self._logged: Counter[str] = Counter()
        deadlines = (
            settings.header_timeout_seconds,
            settings.body_timeout_seconds,
            settings.answer_timeout_seconds,
            settings.keep_alive_seconds,
        )
        self._watch_seconds = min(_WATCH_SECONDS, max(0.02, min(deadlines) / 4))

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection) -> Room:
        """Above the limit the connection that was idle for longest makes room."""
        if len(self._open) >= self.limit:
            self._evict(asyncio.get_running_loop().time())
        room = (
            Room.FREE
            if len(self._open) < self.limit
            else Room.SPARE
            if len(self._open) < self.limit + SPARE_CONNECTIONS
            else Room.NONE
        )
        self._open.add(connection)
        return room

    def websocket_refusal(self) -> str:
        """Why there can be no other WebSocket now; empty when there can."""
        if self.draining:
            return "the service is stopping: connect again"
        if self.websockets >= self.websocket_limit:
            return "too many WebSockets (WEBSOCKETS_MAX)"
        return ""

    def remove(self, connection: Connection) -> None:
        """It is closed, or no longer one of HTTP."""
        self._open.discard(connection)
        if not self._open:
            self._emptied.set()

    async def watch(self) -> None:
        """Enforces the deadlines until cancelled."""
        loop = asyncio.get_running_loop()
        expected = loop.time()
        while True:
            now = loop.time()
            # Time in which this process did not run (it was stopped, or too busy) is nobody's fault.
            lost = now - expected
            for connection in list(self._open):
                if lost > _WATCH_SECONDS:
                    connection.since += lost
                connection.enforce(now)
                if self._closing and connection.is_idle:
                    self._hang_up_when_silent(connection, now)
            self._log_refusals()
            pause = _CLOSING_WATCH_SECONDS if self._closing else self._watch_seconds
            expected = loop.time() + pause
            await asyncio.sleep(pause)

    def close_when_silent(self) -> None:
        """From now on a connection ends as soon as it asks for nothing."""
        self._closing = True

    async def emptied(self) -> None:
        """Returns when no connection is open."""
        while self._open:
            self._emptied.clear()
            await self._emptied.wait()

    def cut(self) -> int:
        """Ends all of them. Returns how many requests were at work."""
        self.were_cut = True
        return sum(connection.cut() for connection in list(self._open))

    def _hang_up_when_silent(self, connection: Connection, now: float) -> None:
        # A client that has just connected, or was just answered, may have its next request on the way.
        if now - connection.since >= self.settings.shutdown_delay_seconds:
            connection.hang_up()

    def _evict(self, now: float) -> None:
        idle = [connection for connection in self._open if connection.is_idle]
        longest = min(idle, key=lambda connection: connection.since, default=None)
        if longest is not None and now - longest.since > _EVICT_AFTER_SECONDS and longest.hang_up():
            self._open.discard(longest)
            self.refused["evicted"] += 1

    def _log_refusals(self) -> None:
        """One line for all of them: a flood of bad connections is no flood of lines."""
        if news := self.refused - self._logged:
            log.warning("connections_refused", open=len(self._open), **news)
            self._logged = self.refused.copy()


def _affordable(wanted: int) -> int:
    """As many as the limit of open files allows: running out of them would be a reset for somebody at random."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    affordable = max(_FEWEST, files - SPARE_CONNECTIONS - _OTHER_FILES)
    if affordable < wanted:
        log.warning("connections_limited", connections=affordable, wanted=wanted, open_files=files)
    return min(wanted, affordable)


def _affordable_websockets(wanted: int, connections: int) -> int:
    """As many as open files are left beside the connections. Said when one is refused: few services have any."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(0, min(wanted, files - connections - SPARE_CONNECTIONS - _OTHER_FILES))
