"""Programmes: items that follow each other, such as an agenda, blind levels or rounds of a quiz.

Each item is one cycle of a session in `global`. `docs/programmes.md` defines the fields.
"""

from enum import StrEnum
from typing import Any

from shared.domain.units import Millis
from shared.domain.values import Value, replace

MAX_ITEMS = 100
MAX_REPEAT = 100


class ItemKind(StrEnum):
    """Whether an item is work or a break; clients may show the two differently."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    WORK = "work"
    BREAK = "break"


class OnEnd(StrEnum):
    """What follows when the clock of an item reaches zero: the next item, or nothing."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    NEXT = "next"
    WAIT = "wait"


class Item(Value, frozen=True):
    """An item of a programme.

    `used_ms` and `over_ms` are the time that it took until zero and after zero, in all its cycles
    that have ended.
    """

    item_id: str
    duration_ms: Millis
    title: str | None = None
    kind: ItemKind = ItemKind.WORK
    on_end: OnEnd = OnEnd.NEXT
    used_ms: Millis = Millis(0)
    over_ms: Millis = Millis(0)


class Place(Value, frozen=True, array_like=True):
    """A place in a programme: the position of an item, from 0, in a round, from 1."""

    position: int = 0
    round: int = 1


class Programme(Value, frozen=True):
    """Items, which are played `repeat` times, and the item that runs.

    `over_ms` is the time that the running item has taken after zero, in its running cycle.
    """

    items: tuple[Item, ...]
    repeat: int = 1
    place: Place = Place()
    over_ms: Millis = Millis(0)

    @property
    def current(self) -> Item:
        """The running item; before the start the first one, after the end the last that ran."""
        return self.items[self.place.position]

    @property
    def next_place(self) -> Place | None:
        """The place after the running item; None if it is the last item of the last round."""
        position, round_ = self.place.position + 1, self.place.round
        if position < len(self.items):
            return Place(position, round_)
        return Place(0, round_ + 1) if round_ < self.repeat else None

    def place_of(self, item_id: str) -> Place | None:
        """Return the place of an item in the running round; None if there is no such item."""
        for position, item in enumerate(self.items):
            if item.item_id == item_id:
                return Place(position, self.place.round)
        return None

    def moved(self, place: Place, cycle_used_ms: Millis) -> "Programme":
        """Return the programme at `place`, after the running item took `cycle_used_ms`."""
        ended = self.items[self.place.position]
        ended = replace(
            ended,
            used_ms=Millis(ended.used_ms + cycle_used_ms - self.over_ms),
            over_ms=Millis(ended.over_ms + self.over_ms),
        )
        return replace(self, items=self._with_current(ended), place=place, over_ms=Millis(0))

    def moved_back(self, place: Place, cycle_used_ms: Millis, over_ms: Millis) -> "Programme":
        """Return the programme as it was at `place`, when that cycle had taken `cycle_used_ms`.

        Of these, `over_ms` were after zero. What the running item took is forgotten.
        """
        earlier = replace(self, place=place, over_ms=over_ms)
        ended = earlier.current
        ended = replace(
            ended,
            used_ms=Millis(ended.used_ms - cycle_used_ms + over_ms),
            over_ms=Millis(ended.over_ms - over_ms),
        )
        return replace(earlier, items=earlier._with_current(ended))

    def with_running(self, cycle_used_ms: Millis) -> tuple[Item, ...]:
        """Return the items with the running cycle, which has taken `cycle_used_ms`, included."""
        return self.moved(self.place, cycle_used_ms).items

    def offset_ms(self, used_ms: Millis, left_ms: Millis) -> int:
        """Return by how much the running item will end later than planned, ms; below 0: earlier.

        All items together have taken `used_ms`, and the running one is expected to take `left_ms`
        more. So it is the sum of the differences between what the items take and what was planned.
        """
        durations = [item.duration_ms for item in self.items]
        earlier_rounds = (self.place.round - 1) * sum(durations)
        return used_ms + left_ms - earlier_rounds - sum(durations[: self.place.position + 1])

    def as_metadata(self) -> dict[str, Any]:
        """Return the running item and its round, for an event."""
        return {"item_id": self.current.item_id, "round": self.place.round}

    def _with_current(self, item: Item) -> tuple[Item, ...]:
        position = self.place.position
        return (*self.items[:position], item, *self.items[position + 1 :])
