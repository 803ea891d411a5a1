"""Ports and passwords that are remembered from start to start."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local import ports, state


@pytest.fixture
def somebody() -> Iterator[socket.socket]:
    """A program that listens on a port that was ours."""
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, ports.choose_free()))
        listener.listen()
        yield listener


def test_ports_are_chosen_once_and_remembered(tmp_path: Path) -> None:
    chosen = state.with_ports(state.load(tmp_path), ours=())
    state.save(tmp_path, chosen)
    assert len({getattr(chosen, name) for name in state.PORTS}) == len(state.PORTS)
    assert state.with_ports(state.load(tmp_path), ours=()) == chosen


def test_a_port_that_somebody_took_is_chosen_again(somebody: socket.socket) -> None:
    taken = somebody.getsockname()[1]
    before = state.with_ports(state.State(redis_port=taken), ours=())
    assert before.redis_port != taken


def test_a_port_that_our_own_server_listens_on_is_kept(somebody: socket.socket) -> None:
    ours = somebody.getsockname()[1]
    assert state.with_ports(state.State(redis_port=ours), ours=("redis",)).redis_port == ours


def test_passwords_survive_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    known = state.State()
    state.save(tmp_path, known)
    assert state.load(tmp_path) == known
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


def test_a_free_port_is_outside_what_outgoing_connections_use() -> None:
    port = ports.choose_free()
    assert port in ports.PRIVATE_PORTS
    assert ports.is_free(port)


def test_the_holder_of_a_port_is_named(somebody: socket.socket) -> None:
    assert "process" in (ports.holder(somebody.getsockname()[1]) or "")
