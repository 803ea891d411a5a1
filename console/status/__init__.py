"""`sluice status`: one screen that says whether events flow, how far behind each source is, and what to do about it.

    services.py   the services over HTTP: readiness, /lag, metrics ┐
    streams.py    NATS: what waits, how full the streams are       ├▶ looking.py ─▶ Snapshot ─▶ screen.py
    servers.py    Postgres and Redis                               ┘                   └▶ findings.py ─┘

It is needed most when something is down: every part has its limit, and past it is shown as away, with the reason.
Nothing is changed by looking.
"""
