"""Processor time and memory of a run's processes, read from `/proc` (Linux)."""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from tests.load.failure import LoadFailed

Role = Literal["service", "Redis", "Postgres", "generator", "other programs"]

_PROC = Path("/proc")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1_000_000
_STORES: Mapping[str, Role] = {"valkey-server": "Redis", "postgres": "Postgres"}
_ENDED_PROCESSES = 0
"""Stands for the process ids of ended children of this process, such as wrk."""


class Process(NamedTuple):
    """A running process; `cpu_s` is user and system time since its start."""

    parent: int
    name: str
    cpu_s: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time and memory used up to `at_s`, on the machine's monotonic clock."""

    at_s: float
    cpu_s: Mapping[tuple[Role, int], float]
    """Processor seconds by role and process id."""
    memory_mb: Mapping[int, float] = field(default_factory=dict)
    """Resident memory by process id."""
    machine_s: float = 0.0
    """Processor seconds of all programs on the machine."""


def read_usage(services: Collection[int], excluded: Collection[int] = ()) -> Usage:
    """Read the usage of this process and its descendants, except those in `excluded`.

    `services` are the process ids of the instances. All processes but instances and stores count
    as generator. Raises `LoadFailed`.
    """
    found: dict[tuple[Role, int], float] = {}
    processes = {pid: process for pid, process in process_tree().items() if pid not in excluded}
    for pid, process in processes.items():
        role = "service" if pid in services else _STORES.get(process.name, "generator")
        found[role, pid] = process.cpu_s
    times = os.times()
    found["generator", _ENDED_PROCESSES] = times.children_user + times.children_system
    memory = {pid: process.memory_mb for pid, process in processes.items()}
    return Usage(time.monotonic(), found, memory, _machine_s())


def cpu_percent(before: Usage, after: Usage) -> dict[Role, list[float]]:
    """Return percent of one core by role, a list with each process, the busiest first.

    Other programs of the machine are one sum.
    """
    elapsed_s = after.at_s - before.at_s
    found: dict[Role, list[float]] = defaultdict(list)
    for (role, pid), cpu_s in after.cpu_s.items():
        used_s = cpu_s - before.cpu_s.get((role, pid), 0.0)
        found[role].append(max(0.0, 100 * used_s / elapsed_s))
    machine = 100 * (after.machine_s - before.machine_s) / elapsed_s
    found["other programs"].append(max(0.0, machine - sum(map(sum, found.values()))))
    return {role: sorted(each, reverse=True) for role, each in found.items()}


def process_tree() -> dict[int, Process]:
    """Return this process and its descendants by process id. Raises `LoadFailed`."""
    all_processes = dict(_all_processes())
    if not all_processes:
        raise LoadFailed("The load tool reads processor times from /proc: run it on Linux.")
    found, children = {os.getpid(): all_processes[os.getpid()]}, defaultdict(list)
    for pid, process in all_processes.items():
        children[process.parent].append(pid)
    left = [os.getpid()]
    while left:
        for pid in children[left.pop()]:
            found[pid] = all_processes[pid]
            left.append(pid)
    return found


def _machine_s() -> float:
    """Read busy seconds from /proc/stat: user nice system idle iowait irq softirq (proc(5))."""
    ticks = [int(field) for field in (_PROC / "stat").read_text().splitlines()[0].split()[1:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS_A_SECOND


def _all_processes() -> Iterator[tuple[int, Process]]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:  # the process has ended
            continue
        # proc(5): the name is in parentheses and may hold any character.
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
        process = Process(int(fields[1]), name, ticks / _TICKS_A_SECOND, pages * _PAGE_MB)
        yield int(folder.name), process
