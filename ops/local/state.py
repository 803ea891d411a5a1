"""What is remembered from start to start: ports and passwords of the embedded servers. `state.json`, mode
600."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ops.local import ports
from ops.local.servers import new_password

PORTS = ("nats_port", "nats_monitor_port", "postgres_port", "redis_port")


@dataclass(frozen=True)
class State:
    """Ports (0: not chosen yet) and passwords."""

    nats_port: int = 0
    nats_monitor_port: int = 0
    postgres_port: int = 0
    redis_port: int = 0
    nats_password: str = field(default_factory=new_password)
    postgres_password: str = field(default_factory=new_password)
    redis_password: str = field(default_factory=new_password)


def load(data: Path) -> State:
    """The remembered state, or a new one."""
    path = data / "state.json"
    return State(**json.loads(path.read_text())) if path.exists() else State()


def save(data: Path, state: State) -> None:
    """Remember it. Written beside and renamed, so that a crash never leaves half a file."""
    fresh = data / "state.json.new"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(asdict(state), indent=2))
    fresh.rename(data / "state.json")


def with_ports(state: State, ours: Collection[str]) -> State:
    """Choose each port that was never chosen, or that somebody else has taken since.

    `ours` names the servers that run already: the listener on their ports is us.
    """
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    for name in PORTS:
        port: int = getattr(state, name)
        keep = port and port not in taken and (name.split("_")[0] in ours or ports.is_free(port))
        chosen[name] = port if keep else ports.choose_free(taken)
        taken.add(chosen[name])
    return replace(state, **chosen)
