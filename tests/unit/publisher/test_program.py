"""The console program as a user starts it."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from tests.unit.publisher.fake_gateway import FakeGateway

ROOT = Path(__file__).parents[3]


async def start(*arguments: str, endpoint: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "publisher",
        *arguments,
        cwd=ROOT,
        env={"EVENT_ENDPOINT": endpoint, "LANG": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_json_is_alone_on_stdout_and_the_rest_on_stderr():
    async with FakeGateway() as gateway:
        program = await start("--rate", "0", "--count", "500", "--json", "--truth", endpoint=gateway.url)
        out, err = await program.communicate()
    assert program.returncode == 0
    summary = json.loads(out)
    assert (summary["sent"], summary["accepted"], summary["answers"]) == (500, 500, {"202": 5})
    assert sum(summary["truth"]["events"].values()) == 500
    assert "500 events in 5 POSTs" in err.decode()


async def test_ctrl_c_ends_an_unlimited_run_with_its_summary():
    async with FakeGateway() as gateway:
        program = await start("--rate", "50", "--batch-size", "10", "--quiet", endpoint=gateway.url)
        while len(gateway.bodies) < 2:
            await asyncio.sleep(0.01)  # the program is started once it has sent something
        program.send_signal(signal.SIGINT)
        out, err = await program.communicate()
    assert (program.returncode, err) == (0, b"")
    assert "events/s" in out.decode()
    assert b"\x1b" not in out


async def test_a_wrong_option_is_told_in_one_line():
    program = await start("--rate", "fast", endpoint="http://127.0.0.1:1/")
    out, err = await program.communicate()
    assert (program.returncode, out) == (2, b"")
    assert err.decode() == "publisher: argument --rate: invalid float value: 'fast'\n"


async def test_a_verification_that_cannot_begin_is_told_in_one_line():
    program = await start("--verify", "--count", "1", endpoint="http://127.0.0.1:1/")
    _, err = await program.communicate()
    assert program.returncode == 2
    assert err.decode() == "publisher: --verify: needs DATABASE_URL, to look at what is stored\n"
