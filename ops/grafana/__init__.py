"""The dashboards and the provisioning of Grafana, as code: `python -m ops.grafana` writes what is committed beside it.

`dashboards/*.json` and `provisioning/**/*.yaml` are generated: change the module of a dashboard and run it again. A
contract test fails while they differ, and an integration test runs every query against real servers under load.

`sources` names the data sources and provisions them, `queries` asks them, `panels` has the kinds of panels that we use,
`palette` their colours, `frame` what every dashboard has. A module each: `event_processing`, `service_health`,
`jetstream`, `history`, `realtime`. Like all of `ops` this knows the services from outside only: by the names of their
metrics, tables and keys.
"""
