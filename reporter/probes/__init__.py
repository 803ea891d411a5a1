"""Figures of servers, disks, certificates and secrets, for deployments where no exporter gives them.

They are found in a loop of their own, each within a limit of time, and a scrape shows what was found last: nothing
that is away or slow keeps a scrape waiting. Figures of NATS and Postgres have the names and labels of the standard
exporters, so that dashboards and alerts work with either. They are here and not in a program of their own because the
reporter runs wherever Sluice does, once at least, and has its connections to Postgres open anyway.
"""
