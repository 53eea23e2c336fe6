"""The items of a programme as the API shows them."""

import msgspec

from shared.domain.programme import ItemKind, OnEnd
from shared.domain.session import Session
from shared.domain.units import Millis


class ItemView(msgspec.Struct, omit_defaults=True):
    """An item in the Session of the API. The last three times are those of all rounds together.

    `used_ms` was taken until the item's clock reached zero, and `over_ms` after that.
    """

    item_id: str
    duration_ms: Millis
    kind: ItemKind
    on_end: OnEnd
    planned_ms: Millis
    used_ms: Millis
    over_ms: Millis
    title: str | None = None


def items_view(shown: Session) -> list[ItemView] | None:
    """Return the items with their times in `shown`; None without a programme."""
    programme = shown.programme
    if programme is None:
        return None
    return [
        ItemView(
            item.item_id,
            item.duration_ms,
            item.kind,
            item.on_end,
            Millis(item.duration_ms * programme.repeat),
            item.used_ms,
            item.over_ms,
            item.title,
        )
        for item in programme.with_running(shown.cycle_used_ms)
    ]


def active_item_id(session: Session) -> str | None:
    """Return the id of the running item, while the session runs or is paused."""
    programme = session.programme
    return programme.current.item_id if programme and session.status.is_ongoing else None


def offset_ms(shown: Session) -> int | None:
    """Return by how much the programme is behind its plan in `shown`, ms; below 0: ahead.

    A running item is expected to use the time that it has left, and an ended session none.
    """
    programme = shown.programme
    if programme is None:
        return None
    left = 0 if shown.status.is_terminal else max(0, shown.cycle_left_ms or 0)
    return programme.offset_ms(shown.used_ms, Millis(left))
