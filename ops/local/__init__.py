"""Local operation: everything behind `./start.sh`, without containers and without root.

How a start goes, file by file: `start.sh` finds Python and makes the environment, then hands over to
`__main__`. `start` makes `.env` (`dotenv`), brings generated things up to date (`install`), describes the
embedded servers (`system`, with the ports and passwords of `state`) and the services (`services`), writes
both down for the process manager (`supervisor_config`, `supervision`), creates and migrates the database
(`database`) and waits until every service says that it is ready (`health`).

Tests and benchmarks run the same servers without the process manager: see `servers`.
"""
