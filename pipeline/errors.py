"""What can go wrong between the stages, as a tree.

    SluiceError
    ├── ConfigurationError    a setting is missing or wrong: the process must not start
    ├── TransientError        the other side is away, slow or full: the same call may succeed later
    │   ├── StreamUnavailable     JetStream did not acknowledge
    │   ├── StoreUnavailable      Postgres (or the engine before it) did not answer, or gave up a statement
    │   └── LiveUnavailable       Redis did not answer
    └── PermanentError        this input can never succeed: retrying is pointless
        └── DataRejected          Postgres refused the data itself (SQLSTATE class 22 or 23)

The two kinds decide everything that follows (DESIGN D10): a transient failure is retried for as long as it
takes, a permanent one is narrowed down to the event that causes it, which becomes a dead letter.
"""


class SluiceError(Exception):
    """The root of all errors that a stage raises on purpose."""


class ConfigurationError(SluiceError):
    """A setting is missing or wrong. The message names the environment variable."""


class TransientError(SluiceError):
    """The same call may succeed later."""


class StreamUnavailable(TransientError):
    """JetStream is away, slow or full: nothing is known to be on disk."""


class StoreUnavailable(TransientError):
    """Postgres is away or gave up the statement: whether it committed may be unknown."""


class LiveUnavailable(TransientError):
    """Redis is away."""


class PermanentError(SluiceError):
    """The same call can never succeed."""


class DataRejected(PermanentError):
    """Postgres refused the data. `sqlstate` is the five-character code of the refusal."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
