"""What to do about what is found, and what it means meanwhile. One text per kind of trouble."""

SERVER_NAMES = {"nats": "NATS", "postgres": "Postgres", "redis": "Redis"}

SERVER_AWAY = {
    "nats": "Nothing is accepted meanwhile (senders get 503 and send again); what was accepted is on disk. Start NATS: "
    "see ./start.sh logs nats, and NATS_URL. Everything reconnects by itself.",
    "postgres": "Events are accepted and wait in the stream; reports answer 503. Start Postgres: see ./start.sh logs "
    "postgres, and DATABASE_URL. The collectors go on by themselves. If it runs: ./sluice doctor.",
    "redis": "Live counters stand still; events are stored and reported as ever. Start Redis: see ./start.sh logs "
    "redis, and REDIS_URL.",
}

SERVICE_AWAY = {
    "gateway": "Senders reach nobody, and send again later.",
    "collector": "Its events wait in the stream, unless another collector of the source takes them.",
    "reporter": "Nobody can read reports; nothing else depends on it.",
}

SERVICE_DEGRADED = "It does what it must. Mend what it lacks when you can."

STREAM_MISSING = "Any service makes it when it starts: ./start.sh"

STREAM_FULL = (
    "Nothing that was accepted is lost. Look at the collectors and at Postgres first; if they are merely too slow, "
    "start another collector. EVENTS_MAX_BYTES raises the limit, where the disk has room."
)

DEAD_LETTERS_FULL = "The oldest go first. Look at them, replay or discard them: ./sluice dead-letters list"

WAIT = "Nothing to do but wait."


def start(name: str) -> str:
    """How to start a service of a local system, and where it said why it ended."""
    return f"Start it: ./start.sh. Why it ended: ./start.sh logs {name}"


def logs(name: str) -> str:
    """Where a service says more."""
    return f"Its log says more: ./start.sh logs {name}"


def name_the_collector(source: str) -> str:
    """The console was not told where a collector is."""
    return f"Name it, so that it can be asked: COLLECTOR_URLS={source}=http://host:port"


def start_a_collector(source: str) -> str:
    """Events wait for a collector that was never there."""
    return f"The events wait for it. Start it: ./start.sh, or python -m collectors {source}"


def does_not_catch_up(source: str) -> str:
    """More comes than is stored."""
    return (
        f"If ./start.sh logs {source}-collector shows write_retrying, that names the error of Postgres. Otherwise more "
        f"comes than one collector stores: start another one."
    )


def no_progress(source: str) -> str:
    """A collector that looks well does not say how far it is."""
    return (
        f"Reports show a growing lag. progress_not_reported or backlog_unknown in ./start.sh logs {source}-collector "
        f"says why. If neither is there, it may write to another database than this DATABASE_URL."
    )


def look_at_dead_letters(source: str) -> str:
    """Events are refused."""
    return f"They are kept. Which, and why: ./sluice dead-letters list --source {source}"
