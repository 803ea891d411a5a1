"""How much room disks have."""

import shutil
from collections.abc import Mapping, Sequence

from prometheus_client.core import Metric

from reporter.probes.files import OneAtATime
from reporter.probes.probe import Found, gauge

_FREE = "disk_free_bytes", "Room on the disk that services may still fill"
_SIZE = "disk_size_bytes", "Size of the disk"


class DiskProbe:
    """Looks at the disks that some paths are on, by name."""

    name = "disks"

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._paths = paths
        self._beside = OneAtATime(self.name)

    async def look(self) -> Found:
        """A disk whose path is not there is missing, and named."""
        return await self._beside.run(self._look)

    def blind(self) -> Sequence[Metric]:
        """Nothing."""
        return ()

    def _look(self) -> Found:
        free: list[tuple[dict[str, str], float]] = []
        size: list[tuple[dict[str, str], float]] = []
        problems: list[str] = []
        for name, path in self._paths.items():
            try:
                usage = shutil.disk_usage(path)
            except OSError as error:
                problems.append(f"{name}: {error}")
                continue
            free.append(({"disk": name}, usage.free))
            size.append(({"disk": name}, usage.total))
        return Found([gauge(*_FREE, free), gauge(*_SIZE, size)], "; ".join(problems))
