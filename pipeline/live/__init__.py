"""The only door to Redis. What it holds is derived: Postgres can always rebuild it (DESIGN D8)."""
