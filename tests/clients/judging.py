"""Whether a client is where the server is. All in ms."""

import asyncio
import time
from itertools import pairwise
from typing import Any

from tests.clients.driving import Line
from tests.clients.scenarios import Play

_LOOKS_EVERY_S = 0.02
_TOLERANCE_MS = 2.0
_FUNCTIONS_MS = 10.0
"""A function measures the store's clock by one round trip, whose length a client can't know."""
_AT_LEAST_APART_MS = 20
"""Two reads tell which clocks run."""


async def judge(play: Play, within_s: float) -> None:
    """Raise `AssertionError` unless the client has come through, so soon after the last change."""
    before = await _read(play)
    await _arrival(play, before, within_s)
    _judge_flags(play)
    _judge_order(play)
    if before:
        await _judge_clocks(play, before)


async def _arrival(play: Play, server: Line | None, within_s: float) -> None:
    """Return when the client is in the server's state; too late is not at all."""
    while True:
        report = await play.driver.report(play.session_id)
        late_s = time.monotonic() - play.changed_at
        if _is_there(report, server):
            assert late_s <= within_s, f"{late_s:.2f} s after the last change"
            return
        assert late_s <= within_s, f"{server and server['version']} is the server's, not {report}"
        await asyncio.sleep(_LOOKS_EVERY_S)


def _is_there(report: Line, server: Line | None) -> bool:
    if server is None:
        return bool(report["presence"] == "deleted" and report["version"] is None)
    held = (report["createdAt"], report["version"], report["status"], report["presence"])
    return held == (server["created_at"], server["version"], server["status"], "present")


def _judge_flags(play: Play) -> None:
    """Each flag once, and no other."""
    told = [_owner(line["detail"]) for line in play.driver.events(play.session_id, "expired")]
    fell = play.scenario.get("expired", [])
    expected = [(flag.get("participant"), flag.get("group")) for flag in fell]
    assert sorted(told, key=str) == sorted(expected, key=str)


def _owner(detail: Line) -> tuple[Any, Any]:
    return detail.get("participantId"), detail.get("groupId")


def _judge_order(play: Play) -> None:
    """Never an older state, and time that goes back by no more than it may be wrong."""
    versions = [e["detail"]["version"] for e in play.driver.events(play.session_id, "update")]
    lives = 1 + sum(1 for step in play.scenario["steps"] if step.get("do") == "delete")
    falls = sum(1 for one, two in pairwise(versions) if two <= one)
    assert falls < lives, versions
    shown = [(e["at"], e["errorMs"]) for e in play.driver.lines(play.session_id, "event")]
    for (one, error_ms), (two, _) in pairwise(shown):
        assert error_ms is None or two >= one - error_ms, shown


async def _judge_clocks(play: Play, before: Line) -> None:
    """Every clock, at the very instant of the report, and the instant itself."""
    report = await play.driver.report(play.session_id)
    left_ms = _AT_LEAST_APART_MS - (report["now"] - before["server_time_ms"])
    await asyncio.sleep(max(0.0, left_ms) / 1000)
    after = await _read(play)
    assert after
    assert after["version"] == before["version"], "something happened while nobody did anything"
    slack = report["errorMs"] + (_FUNCTIONS_MS if play.is_on_functions else _TOLERANCE_MS)
    assert before["server_time_ms"] - slack <= report["now"] <= after["server_time_ms"] + slack
    expected = _interpolated(before, after, report["now"])
    shown = {"": report["running"], **report["remaining"]}
    assert shown.keys() == expected.keys()
    for whose, ms in expected.items():
        assert (ms is None) == (shown[whose] is None), (whose, shown, expected)
        assert ms is None or abs(shown[whose] - ms) <= slack, (whose, shown, expected)


def _interpolated(before: Line, after: Line, at: float) -> dict[str, float | None]:
    """What the server's clocks showed in between, from what it said before and after."""
    apart = after["server_time_ms"] - before["server_time_ms"]
    later = _clocks(after)
    return {
        whose: None
        if ms is None
        else ms - round((ms - (later[whose] or 0)) / apart) * (at - before["server_time_ms"])
        for whose, ms in _clocks(before).items()
    }


def _clocks(state: Line) -> dict[str, float | None]:
    people = {p["participant_id"]: p.get("time_remaining_ms") for p in state["participants"]}
    return {"": state.get("time_remaining_ms"), **people}


async def _read(play: Play) -> Line | None:
    answer = await play.http.get(play.path)
    assert answer.status_code in (200, 404), answer.text
    return dict(answer.json()["data"]) if answer.status_code == 200 else None
