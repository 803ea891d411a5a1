"""redis-py without the metrics of OpenTelemetry, which it would load wherever they are installed.

It has no use for them here, and they cost every start of a service 3 MB and a tenth of a second. Import this before
anything of redis; redis-py takes them for not installed.
"""

import sys
from typing import Any, cast

_UNWANTED = ("opentelemetry.metrics", "opentelemetry.sdk.metrics")

_modules = cast("dict[str, Any]", sys.modules)
_hidden = [name for name in _UNWANTED if name not in _modules]
_modules.update(dict.fromkeys(_hidden))  # None is how Python is told that there is no such module
try:
    import redis.asyncio  # noqa: F401 # pyright: ignore[reportUnusedImport]
finally:
    for _name in _hidden:
        del _modules[_name]
