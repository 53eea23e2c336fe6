"""Checks that a client has the server's state, clocks and expiries. All in ms."""

import asyncio
import time
from itertools import pairwise
from typing import Any

from tests.clients.driving import Line
from tests.clients.scenarios import ScenarioRun

_REPORT_EVERY_S = 0.02
_TOLERANCE_MS = 2.0
_FUNCTIONS_MS = 250.0
"""A function measures the store's clock in one round trip, whose error clients don't know.
On a busy machine, the round trip may be long."""
_TIMEOUT_S = 20.0
_MIN_INTERVAL_MS = 20
"""Between the two reads that show which clocks run."""


async def check_run(run: ScenarioRun) -> None:
    """Raise `AssertionError` unless the client becomes current after the last step.

    Tests in virtual time show how soon it does (`test_follower_at_random.py`).
    """
    before = await _read(run)
    await _wait_until_current(run, before)
    _check_expiries(run)
    _check_order(run)
    if before:
        await _check_clocks(run, before)


async def _wait_until_current(run: ScenarioRun, server: Line | None) -> None:
    """Wait until the client has the server's state."""
    give_up = time.monotonic() + _TIMEOUT_S
    while not _is_current(report := await run.driver.report(run.session_id), server):
        assert time.monotonic() < give_up, (
            f"{server and server['version']} is the server's version, the client reports {report}"
        )
        await asyncio.sleep(_REPORT_EVERY_S)


def _is_current(report: Line, server: Line | None) -> bool:
    if server is None:
        return bool(report["existence"] == "deleted" and report["version"] is None)
    client_state = (report["createdAt"], report["version"], report["status"], report["existence"])
    return client_state == (server["created_at"], server["version"], server["status"], "present")


def _check_expiries(run: ScenarioRun) -> None:
    """Check that each expected expiry was emitted once, and no other."""
    emitted = [_owner(line["detail"]) for line in run.driver.events(run.session_id, "expired")]
    expiries = run.scenario.get("expired", [])
    expected = [(one.get("participant"), one.get("group")) for one in expiries]
    assert sorted(emitted, key=str) == sorted(expected, key=str)


def _owner(detail: Line) -> tuple[Any, Any]:
    return detail.get("participant_id"), detail.get("group_id")


def _check_order(run: ScenarioRun) -> None:
    """Check that states never get older, and that time goes back at most by its error bound."""
    versions = [e["detail"]["version"] for e in run.driver.events(run.session_id, "update")]
    sessions_of_id = 1 + sum(1 for step in run.scenario["steps"] if step.get("do") == "delete")
    decreases = sum(1 for one, two in pairwise(versions) if two <= one)
    assert decreases < sessions_of_id, versions
    times = [(e["at"], e["errorMs"]) for e in run.driver.lines(run.session_id, "event")]
    for (one, error_ms), (two, _) in pairwise(times):
        assert error_ms is None or two >= one - error_ms, times


async def _check_clocks(run: ScenarioRun, before: Line) -> None:
    """Check the reported server time and, at that instant, every clock."""
    report = await run.driver.report(run.session_id)
    left_ms = _MIN_INTERVAL_MS - (report["now"] - before["server_time_ms"])
    await asyncio.sleep(max(0.0, left_ms) / 1000)
    after = await _read(run)
    assert after
    assert after["version"] == before["version"], "the session changed without an action"
    slack = report["errorMs"] + (_FUNCTIONS_MS if run.is_on_functions else _TOLERANCE_MS)
    assert before["server_time_ms"] - slack <= report["now"] <= after["server_time_ms"] + slack
    expected = _interpolated(before, after, report["now"])
    shown = {"": report["running"], **report["remaining"]}
    assert shown.keys() == expected.keys()
    for owner, ms in expected.items():
        assert (ms is None) == (shown[owner] is None), (owner, shown, expected)
        assert ms is None or abs(shown[owner] - ms) <= slack, (owner, shown, expected)


def _interpolated(before: Line, after: Line, at: float) -> dict[str, float | None]:
    """Return the server's clocks at instant `at`, interpolated between two of its states."""
    interval = after["server_time_ms"] - before["server_time_ms"]
    later = _clocks(after)
    return {
        owner: None
        if ms is None
        else ms - round((ms - (later[owner] or 0)) / interval) * (at - before["server_time_ms"])
        for owner, ms in _clocks(before).items()
    }


def _clocks(state: Line) -> dict[str, float | None]:
    people = {p["participant_id"]: _time_on(state, p) for p in state["participants"]}
    return {"": _shown(state), **people}


def _shown(owner: Line) -> float | None:
    """Return what a clock shows; in an overrun, below zero."""
    left: float | None = owner.get("time_remaining_ms")
    return None if left is None else left - owner.get("over_ms", 0)


def _time_on(state: Line, person: Line) -> float | None:
    """Return what the person's clock shows; in `individual` it counts up if it has no limit."""
    counts_up = state["sync_mode"] == "individual" and "total_time_ms" not in state
    used: float = person["time_used_ms"]
    return used if counts_up else _shown(person)


async def _read(run: ScenarioRun) -> Line | None:
    answer = await run.http.get(run.path)
    assert answer.status_code in (200, 404), answer.text
    return dict(answer.json()["data"]) if answer.status_code == 200 else None
