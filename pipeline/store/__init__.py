"""The only door to Postgres, through Prisma Client Python (DESIGN D5).

`Database` runs SQL and sorts what goes wrong into transient and permanent; `EventStore` writes batches exactly
once; `partitions` keeps tomorrow's partition ready; `progress` tells the reporter how far the collectors are.
"""

from pipeline.store.database import Database, StoreSettings
from pipeline.store.event_store import EventStore, WriteResult

__all__ = ["Database", "EventStore", "StoreSettings", "WriteResult"]
