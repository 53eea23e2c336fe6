"""Strategies for new sessions of every mode, and for requests to them."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.resilience.linearizability.exchange import Opening, Seat
from tests.resilience.linearizability.game import Game

_HOUR = 3_600_000
MODES = ("per_participant", "per_cycle", "per_group", "global", "count_up")

durations = st.integers(_HOUR, 20 * _HOUR)
"""In ms; longer than a test run, so that no clock runs out."""
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
players = st.sampled_from(_PLAYERS)
groups = st.sampled_from(_GROUPS)


def seats(mode: str, player: str) -> st.SearchStrategy[Seat]:
    """Generate the seat of `player` in a session of `mode`."""
    group = groups if mode == "per_group" else st.none()
    return st.builds(Seat, st.just(player), durations, group)


def participant_ids(game: Game | None) -> st.SearchStrategy[str]:
    """Generate the id of a participant of `game`, sometimes that of the first player instead."""
    present = [seat.participant_id for seat in game.seats] if game else []
    return (
        st.sampled_from(present) | st.sampled_from(present + _PLAYERS[:1]) if present else players
    )


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    """Generate a session of any mode, with up to four players."""
    mode = draw(st.sampled_from(MODES))
    fewest = 0 if mode in ("global", "count_up") else 1
    present = draw(st.lists(players, min_size=fewest, max_size=4, unique=True))
    opening = Opening(mode, tuple(draw(seats(mode, player)) for player in present))
    opening = replace(opening, increment_ms=draw(st.sampled_from((0, 1, 60_000))))
    if mode == "count_up":
        opening = replace(opening, max_time_ms=draw(durations))
    if mode == "global":
        opening = replace(opening, total_time_ms=draw(durations))
    if mode in ("per_cycle", "global"):
        opening = replace(opening, time_per_cycle_ms=draw(st.none() | durations))
    return opening
