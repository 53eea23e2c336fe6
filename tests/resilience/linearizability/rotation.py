"""The order of turns while every participant has time left (docs/api.md, Modes)."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from tests.resilience.linearizability.exchange import Seat

T = TypeVar("T")


def next_in_turn(
    sync_mode: str, seats: Sequence[Seat], active: str | None, last_players: Collection[str]
) -> str | None:
    """Return the participant after `active`; `last_players` has the last one of each group."""
    if active is None:
        return None
    if sync_mode != "per_group":
        return _after([seat.participant_id for seat in seats], active)
    groups = list(dict.fromkeys(seat.group_id for seat in seats))
    (group,) = {seat.group_id for seat in seats if seat.participant_id == active}
    next_group = _after(groups, group)
    members = [seat.participant_id for seat in seats if seat.group_id == next_group]
    last = [member for member in members if member in last_players]
    return _after(members, last[0]) if last else members[0]


def _after(items: Sequence[T], item: T) -> T:
    return items[(items.index(item) + 1) % len(items)]
