"""What `/proc` says is read right, on samples of it and on this very process."""

import os

from bench import procfs


def test_a_process_name_may_hold_spaces_and_parentheses():
    line = "42 (a (strange) name) S 7 42 42 0 -1 4194304 1 2 3 4 250 50 30 20 20 0 1 0 99 1 2"
    assert procfs.parse_stat(line) == procfs.Stat(42, "a (strange) name", 7, 3.0, 0.5)


def test_sizes_are_read_in_bytes_and_other_lines_left_out():
    text = "Name:\tpython\nVmHWM:\t   2048 kB\nRssAnon:\t      12 kB\nThreads:\t4\n"
    assert procfs.parse_status(text) == {"VmHWM": 2048 * 1024, "RssAnon": 12 * 1024}


def test_busy_time_leaves_out_idling_and_waiting_for_disks():
    assert procfs.parse_busy("cpu  100 10 200 9999 8888 5 15 77 0 0\ncpu0 1 1 1 1\n") == 3.3


def test_a_family_is_found_over_generations_and_nothing_else():
    def process(pid: int, parent: int) -> procfs.Stat:
        return procfs.Stat(pid, "x", parent, 0.0, 0.0)

    known = {p.pid: p for p in (process(1, 0), process(2, 1), process(5, 2), process(3, 1), process(4, 3))}
    assert {member.pid for member in procfs.family(known, 2)} == {2, 5}
    assert {member.pid for member in procfs.family(known, 1)} == {1, 2, 3, 4, 5}
    assert procfs.family(known, 99) == []


def test_this_process_is_seen_and_has_a_size():
    assert procfs.processes()[os.getpid()].parent == os.getppid()
    assert procfs.sizes(os.getpid())["VmHWM"] > 1_000_000
    assert procfs.sizes(2**31 - 1) == {}
