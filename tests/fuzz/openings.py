"""Random sessions of every mode, and random things to ask of them."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.resilience.linearizability.exchange import Opening, Seat
from tests.resilience.linearizability.game import Game

_HOUR = 3_600_000
MODES = ("per_participant", "per_cycle", "per_group", "global", "count_up")

spans = st.integers(_HOUR, 20 * _HOUR)
"""Longer than any run of this lasts."""
_PLAYERS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(6)]
_GROUPS = [f"00000000-0000-4000-9000-00000000000{n}" for n in range(3)]
players = st.sampled_from(_PLAYERS)
groups = st.sampled_from(_GROUPS)


def seated(mode: str, player: str) -> st.SearchStrategy[Seat]:
    """That player, as one takes part in a session of `mode`."""
    group = groups if mode == "per_group" else st.none()
    return st.builds(Seat, st.just(player), spans, group)


def anyone(game: Game | None) -> st.SearchStrategy[str]:
    """One of those who take part in `game`, or now and then one who may not."""
    present = [seat.participant_id for seat in game.seats] if game else []
    return (
        st.sampled_from(present) | st.sampled_from(present + _PLAYERS[:1]) if present else players
    )


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    """A session of any mode, with up to four players."""
    mode = draw(st.sampled_from(MODES))
    fewest = 0 if mode in ("global", "count_up") else 1
    present = draw(st.lists(players, min_size=fewest, max_size=4, unique=True))
    opening = Opening(mode, tuple(draw(seated(mode, player)) for player in present))
    opening = replace(opening, increment_ms=draw(st.sampled_from((0, 1, 60_000))))
    if mode == "count_up":
        opening = replace(opening, max_time_ms=draw(spans))
    if mode == "global":
        opening = replace(opening, total_time_ms=draw(spans))
    if mode in ("per_cycle", "global"):
        opening = replace(opening, time_per_cycle_ms=draw(st.none() | spans))
    return opening
