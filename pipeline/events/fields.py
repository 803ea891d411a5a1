"""Field types that the formats of several sources share."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

EventId = Annotated[str, Meta(min_length=1, max_length=128, description="The sender's own id of the event")]

Timestamp = Annotated[datetime, Meta(tz=True, description="ISO 8601 with offset or Z")]

Money = Annotated[
    str,
    # Digits of ASCII only, and no end of line: what Decimal would forgive, Postgres would not.
    Meta(pattern=r"^[0-9]{1,15}(\.[0-9]{1,8})?$(?!\n)", description="A decimal string, not negative"),
]
