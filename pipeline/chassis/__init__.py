"""The frame that every service stands in. It knows nothing about events.

Use `load_settings` in `__main__`, `configure_logging` right after it, then build the app with `create_service`
and hand it to `serve`, which runs it beside the service's supervised background tasks.
"""
