"""Local operation: everything behind `./start.sh`, without containers and without root.

How a start goes, file by file:

`start.sh` finds Python and makes the environment, then hands over to `__main__`, which picks a command (`start`, `stop`, `status`, `logs`,
`healthcheck`). `start` reads `.env` (`dotenv`), brings generated things up to date (`install`), describes the embedded servers (`nats_server`,
`postgres_server`, `redis_server` with the ports and passwords of `state`) and the services (`services`), writes them down for the process
manager (`supervision`), waits for readiness (`health`, `waiting`) and migrates (`database`).

Tests and benchmarks run the same servers without the process manager: see `servers`.
"""
