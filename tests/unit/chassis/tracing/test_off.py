"""Where no endpoint is set, nothing of OpenTelemetry is even loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

PROGRAM = """
import sys
import {module}.__main__
from pipeline.chassis.tracing import TracingSettings, is_on, start_tracing
start_tracing(TracingSettings(), "test")
loaded = [name for name in sys.modules if name.startswith("opentelemetry")]
print(is_on(), loaded)
"""


@pytest.mark.parametrize("module", ["gateway", "collectors", "reporter", "alerts"])
def test_a_service_does_not_load_what_it_does_not_use(module: str) -> None:
    program = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"
