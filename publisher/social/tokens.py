"""Tokens of users, and the one of the app's back end, which may say what any user does."""

import time
from collections.abc import Callable

from pipeline.chassis.tokens import TokenSettings, mint

BACKEND = "publisher-backend"
"""The user that the back end's token is made for."""
WRITE_ANY = "events:write:any"

_TTL_SECONDS = 3_600
_EARLY_SECONDS = 300.0
_REMEMBERED = 10_000


class Tokens:
    """Mints them when they are needed, and again before they expire. `clock` gives s since 1970."""

    def __init__(self, settings: TokenSettings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._minted: dict[str, tuple[str, float]] = {}

    def check(self) -> None:
        """Raises ConfigurationError that names the variable when nothing can be signed."""
        self.of(BACKEND)

    def of(self, user: str) -> str:
        """A token of this user."""
        token, renewed_at = self._minted.get(user, ("", 0.0))
        if self._clock() < renewed_at:
            return token
        if len(self._minted) >= _REMEMBERED:
            self._minted.clear()
        token = mint(self._settings, user, (WRITE_ANY,) if user == BACKEND else (), _TTL_SECONDS)
        self._minted[user] = token, self._clock() + _TTL_SECONDS - _EARLY_SECONDS
        return token
