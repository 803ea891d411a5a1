"""One evaluator at a time. The lease saves work; what it is worth for exactness is said in `raising.py`: nothing."""

import secrets

from pipeline.store import Database

_TAKE = """
UPDATE alert_evaluator SET holder = $1, held_until = now() + make_interval(secs => $2::text::float8),
                           wanted_until = now() + make_interval(hours => $3::integer)
WHERE holder = $1 OR held_until < now()
"""
_RELEASE = "UPDATE alert_evaluator SET held_until = '-infinity' WHERE holder = $1"


class Lease:
    """This process' claim to be the evaluator. Both raise StoreUnavailable."""

    def __init__(self, database: Database, seconds: float, wanted_hours: int) -> None:
        self._database = database
        self._seconds = seconds
        self._wanted_hours = wanted_hours
        self._holder = secrets.token_hex(8)

    async def take(self) -> bool:
        """Takes or renews it. Returns whether it is ours. Tells collectors that facts are wanted, too."""
        return bool(await self._database.execute(_TAKE, self._holder, str(self._seconds), self._wanted_hours))

    async def release(self) -> None:
        """The next one need not wait."""
        await self._database.execute(_RELEASE, self._holder)
