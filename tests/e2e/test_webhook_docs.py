"""The shell examples of docs/webhooks.md, run as they stand there after a ./start.sh of its own."""

import os
import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ops.local import ports, waiting
from ops.local.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "webhooks.md"
COMMAND_SECONDS = 200

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Example:
    """`output` is what the page says that the commands print, None where it says nothing; … stands for anything."""

    commands: str
    output: str | None


def examples() -> list[Example]:
    """Every `sh` block of the page, with the block of `text` or `json` that follows it at once."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = list(_BLOCK.finditer(text))
    found: list[Example] = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block["kind"] != "sh":
            continue
        output = None
        if following and following["kind"] != "sh" and not text[block.end() : following.start()].strip():
            output = textwrap.dedent(following["text"]).strip()
        found.append(Example(textwrap.dedent(block["text"]), output))
    return found


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of a system that has just been started for the first time."""
    folder = tmp_path_factory.mktemp("docs")
    environ = {**os.environ, "SLUICE_DATA_DIR": str(folder / "data"), "SLUICE_ENV_FILE": str(folder / ".env")}
    chosen: set[int] = set()
    for service in SERVICES:
        port = ports.choose_free(chosen)
        chosen.add(port)
        environ[service.port_variable] = str(port)
    environ["GATEWAY_URL"] = f"http://127.0.0.1:{environ['GATEWAY_PORT']}"
    environ["REPORTER_URL"] = f"http://127.0.0.1:{environ['REPORTER_PORT']}"
    started = run(["./start.sh", "--local", "--no-publisher"], environ)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield environ
    finally:
        run(["./start.sh", "stop"], environ)


def run(command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def test_every_example_prints_what_the_page_says(environ: dict[str, str]) -> None:
    found = examples()
    script = "set -eu\n" + "".join(
        f"printf '\\n@@ {number}\\n'\n{example.commands}\n" for number, example in enumerate(found)
    )

    done = run(["bash", "-c", script], environ)

    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    printed = re.split(r"^@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(printed) == len(found) > 15
    for example, text in zip(found, printed, strict=True):
        if example.output is not None:
            expected = ".*".join(map(re.escape, example.output.split("…")))
            assert re.fullmatch(expected, text.strip()), f"{example.commands}\nprinted\n{text}"
    assert done.stdout.count("verified: ") == 4
    assert done.stderr == ""
    counted = {
        ("facebook", "feed.comment.add"),
        ("tiktok", "conversion.purchase"),
        ("tiktok", "shop.order.awaiting_shipment"),
        ("custom", "contact.created"),
        ("custom", "order.created"),
    }

    def problem() -> str | None:
        rows = httpx.get(f"{environ['REPORTER_URL']}/reports/events", timeout=30).json()
        missing = counted - {(row["source"], row["eventType"]) for row in rows}
        return str(missing) if missing else None

    waiting.wait_until("the examples in the report", problem, 20)


def test_a_second_secret_is_valid_after_another_start(environ: dict[str, str]) -> None:
    path = Path(environ["SLUICE_ENV_FILE"])
    before = path.read_text()
    path.write_text(re.sub(r"^(FACEBOOK_APP_SECRETS=.*)$", r"\1,another-secret", before, flags=re.MULTILINE))
    assert run(["./start.sh", "--local", "--no-publisher"], environ).returncode == 0

    listed = run(["./sluice", "webhooks", "list"], environ).stdout
    script = """
    body=$(mktemp); printf '{"object":"page","entry":[]}' > "$body"
    for number in 1 2; do ./sluice webhooks sign --provider facebook --secret $number "$body" | sh | tail -n 1; done
    """
    answered = run(["bash", "-c", script], environ).stdout

    assert "/webhooks/facebook     configured      2 in FACEBOOK_APP_SECRETS" in listed
    assert answered == '{"accepted":0,"rejected":0}' * 2


def test_no_secret_is_in_any_log(environ: dict[str, str]) -> None:
    secrets = [
        value
        for line in Path(environ["SLUICE_ENV_FILE"]).read_text().splitlines()
        if re.match("(FACEBOOK|TIKTOK|WEBHOOK)[A-Z_]+=", line)
        for value in line.partition("=")[2].removeprefix("demo:whsec_").split(",")
        if len(value) > 10
    ]
    logs = list((Path(environ["SLUICE_DATA_DIR"]) / "logs").glob("*"))
    assert len(secrets) >= 6
    assert any("gateway" in log.name for log in logs)
    for log in logs:
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], log.name
