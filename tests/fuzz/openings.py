"""Strategies for new sessions of every mode, and for requests to them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.resilience.linearizability.exchange import Opening, Seat
from tests.resilience.linearizability.game import Game

_HOUR = 3_600_000
_WITH_BANKS = ("per_participant", "per_group")
_MODES = (*_WITH_BANKS, *_WITH_BANKS, "per_cycle", "global", "count_up", "individual", "individual")
"""Those with banks are twice as likely, because they have time controls; `individual`, because it
has requests of its own."""

_NOW = datetime.now(UTC)
_IN_20_DAYS, _IN_25_DAYS = (
    (_NOW + timedelta(days=days)).isoformat(timespec="milliseconds") for days in (20, 25)
)

durations = st.integers(_HOUR, 20 * _HOUR)
"""In ms; longer than a test run, so that no clock runs out."""
short_times = st.sampled_from((0, 0, 1000))
"""In ms; the bank of a clock that has overtime."""
gifts = st.sampled_from((-1_000_000, -1, 1, 300_000))
"""In ms; too short to take all of a clock's time."""
_PLAYERS = [
    "00000000-0000-4000-8000-000000000000",
    "alice@example.com",
    "Alice@example.com",
    "Ünïcode/✓?%2F",
    "😀" * 64,
    "..%",
]
_GROUPS = ["00000000-0000-4000-9000-000000000000", "a/b", "💜 {s0}:*"]
ITEMS = ("opening", "a/b", "💜 {s0}:*")
players = st.sampled_from(_PLAYERS)
groups = st.sampled_from(_GROUPS)


def seats(mode: str, player: str) -> st.SearchStrategy[Seat]:
    """Generate the seat of `player` in a session of `mode`."""
    group = groups if mode == "per_group" else st.none()
    bank = st.none() if mode == "individual" else durations
    return st.builds(Seat, st.just(player), bank, group)


def participant_ids(game: Game | None) -> st.SearchStrategy[str]:
    """Generate the id of a participant of `game`, sometimes that of the first player instead."""
    present = [seat.participant_id for seat in game.seats] if game else []
    return (
        st.sampled_from(present) | st.sampled_from(present + _PLAYERS[:1]) if present else players
    )


def _dicts(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


_OVERTIMES = st.one_of(
    _dicts(period_ms=durations, periods=st.integers(1, 30)),
    _dicts(period_ms=durations, turns=st.integers(2, 4)),
    _dicts(extra_ms=durations),
)
_GAINS = st.sampled_from((1, 5, 30, 60_000))
"""In ms; turns of the test are shorter than some and longer than others."""


@st.composite
def time_controls(draw: st.DrawFn, *, is_sessions: bool) -> dict[str, Any]:
    """Generate a time control, of the session or of a participant; not an hourglass.

    Fields that have no effect are left out, as the service does it.
    """
    gain = draw(st.sampled_from((None, "delay_ms", "give_back_ms", "increment_ms")))
    control: dict[str, Any] = {gain: draw(_GAINS)} if gain else {}
    if gain == "increment_ms" and draw(st.booleans()):
        control["first_turn"] = True
    if overtime := draw(st.none() | _OVERTIMES):
        control["overtime"] = overtime
    if most := draw(st.none() | durations):
        control["max_bank_ms"] = most
    optional: dict[str, Any] = {"add_ms": st.just(60_000)}
    if gain in (None, "increment_ms"):
        optional["increment_ms"] = _GAINS
    after_turns = sorted(draw(st.sets(st.integers(1, 6), max_size=2)))
    if after_turns:
        more = st.fixed_dictionaries({}, optional=optional)
        control["stages"] = [{"after_turns": turn} | draw(more) for turn in after_turns]
    if is_sessions and draw(st.booleans()):
        control["start_on"] = "first_turn"
    return control


@st.composite
def _controlled(draw: st.DrawFn, opening: Opening) -> Opening:
    """Generate `opening` with a time control, and perhaps another one for its first participant."""
    control = draw(time_controls(is_sessions=True))
    seats = [_with_bank(draw, seat, control) for seat in opening.seats]
    if opening.sync_mode == "per_participant" and draw(st.booleans()):
        own = draw(time_controls(is_sessions=False))
        seats[0] = replace(_with_bank(draw, opening.seats[0], own), time_control=_text(own))
    return replace(opening, seats=tuple(seats), increment_ms=0, time_control=_text(control))


def _with_bank(draw: st.DrawFn, seat: Seat, control: dict[str, Any]) -> Seat:
    has_short_bank = "overtime" in control and draw(st.booleans())
    return replace(seat, bank_ms=draw(short_times)) if has_short_bank else seat


def _text(control: dict[str, Any]) -> str:
    return json.dumps(control, sort_keys=True)


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    """Generate a session of any mode, with up to four players."""
    mode = draw(st.sampled_from(_MODES))
    fewest = 0 if mode in ("global", "count_up") else 1
    present = draw(st.lists(players, min_size=fewest, max_size=4, unique=True))
    opening = Opening(mode, tuple(draw(seats(mode, player)) for player in present))
    if mode == "individual":
        return replace(
            opening,
            total_time_ms=draw(durations),
            begins=draw(st.sampled_from(("together", "each"))),
            rounds=draw(st.booleans()),
        )
    opening = replace(opening, increment_ms=draw(st.sampled_from((0, 1, 60_000))))
    if mode in _WITH_BANKS and draw(st.sampled_from((True, True, False))):
        opening = draw(_controlled(opening))
    opening = replace(opening, start_at=draw(st.sampled_from((None, _IN_20_DAYS))))
    if mode == "count_up":
        opening = replace(opening, max_time_ms=draw(durations))
    if mode == "global" and draw(st.booleans()):
        return replace(
            opening,
            increment_ms=0,
            items=ITEMS[: draw(st.integers(1, len(ITEMS)))],
            item_ms=draw(durations),
            repeat=draw(st.integers(1, 9)),
            overtime=draw(st.booleans()),
        )
    if mode == "global":
        ends_at = draw(st.sampled_from((None, _IN_25_DAYS)))
        opening = replace(opening, total_time_ms=draw(durations), ends_at=ends_at)
    if mode in ("per_cycle", "global"):
        opening = replace(opening, time_per_cycle_ms=draw(st.none() | durations))
    return opening
