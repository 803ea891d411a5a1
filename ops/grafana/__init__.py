"""The dashboards and the provisioning of Grafana, as code: `python -m ops.grafana` writes what is committed beside it.

`dashboards/*.json`, `provisioning/` and `provisioning-tls/` (the same for an installation with TLS) are generated:
change the module of a dashboard and run it again. A contract test fails while they differ, and an integration test runs
every query against real servers under load. `reader.sql` makes the role by which Grafana reads Postgres.

`sources` names the data sources and provisions them, `queries` asks them, `panels` has the kinds of panels that we use,
`palette` their colours, `frame` what every dashboard has. A module for each dashboard: `event_processing`,
`service_health` (with `service_http` and `service_machine`), `jetstream`, `history` (with `top_posts`), `realtime`.

Like all of `ops` this knows the services from outside only: by the names of their metrics, tables and keys.
"""
