"""Which files there are, and what is in them: the same bytes whenever nothing has changed."""

import json
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from ops.grafana import event_processing, frame, history, jetstream, realtime, service_health
from ops.grafana.sources import DASHBOARDS, data_sources

FOLDER = Path(__file__).parent


def files() -> Mapping[str, str]:
    """Paths below FOLDER and what is in them."""
    modules = (event_processing, service_health, jetstream, history, realtime)
    boards = [module.board() for module in modules]
    return {
        **{
            f"dashboards/{board.file_name}": json.dumps(
                frame.build(board), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
            )
            + "\n"
            for board in boards
        },
        **{
            f"{folder}/{name}": text
            for folder, tls in (("provisioning", False), ("provisioning-tls", True))
            for name, text in (
                ("dashboards/sluice.yaml", DASHBOARDS),
                ("datasources/sluice.yaml", data_sources(tls=tls)),
            )
        },
    }


def write() -> list[Path]:
    """Makes the files as they should be, and removes dashboards that are no more. Returns all that there are."""
    made = {FOLDER / name: text for name, text in files().items()}
    for old in set((FOLDER / "dashboards").glob("*.json")) - set(made):
        old.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(made)
