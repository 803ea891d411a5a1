"""All faults, by theme."""

from tests.faults import (
    clock_faults,
    data_faults,
    failpoint_faults,
    network_faults,
    process_faults,
    rolling_faults,
    server_faults,
)
from tests.faults.fault import Fault

GROUPS: dict[str, list[Fault]] = {
    "processes": [*process_faults.FAULTS, *failpoint_faults.FAULTS],
    "servers": server_faults.FAULTS,
    "network": network_faults.FAULTS,
    "data": data_faults.FAULTS,
    "clocks and restarts": [*clock_faults.FAULTS, *rolling_faults.FAULTS],
}

FAULTS = [fault for group in GROUPS.values() for fault in group]
