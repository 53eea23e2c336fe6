"""Presence of one topic, in the format of Phoenix: `{key: {"metas": [state, ...]}}`."""

from secrets import token_urlsafe
from typing import Any

_REF_BYTES = 12

PresenceState = dict[str, dict[str, list[dict[str, Any]]]]


class Presence:
    """Each tracker (a channel) has one state under a key, which several trackers may share."""

    def __init__(self) -> None:
        self._tracked: dict[object, tuple[str, dict[str, Any]]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there are no trackers."""
        return not self._tracked

    def state(self) -> PresenceState:
        """Return all states (`presence_state`)."""
        return _listing(list(self._tracked.values()))

    def track(self, tracker: object, key: str, state: dict[str, Any]) -> dict[str, PresenceState]:
        """Set or replace a tracker's state and return the `presence_diff`."""
        previous = self._tracked.get(tracker)
        meta = {**state, "phx_ref": token_urlsafe(_REF_BYTES)}
        if previous:
            meta["phx_ref_prev"] = previous[1]["phx_ref"]
        self._tracked[tracker] = (key, meta)
        leaves = [previous] if previous else []
        return {"joins": _listing([(key, meta)]), "leaves": _listing(leaves)}

    def untrack(self, tracker: object) -> dict[str, PresenceState] | None:
        """Remove a tracker and return the `presence_diff`, or `None` if it had no state."""
        previous = self._tracked.pop(tracker, None)
        return {"joins": {}, "leaves": _listing([previous])} if previous else None


def _listing(tracked: list[tuple[str, dict[str, Any]]]) -> PresenceState:
    listing: PresenceState = {}
    for key, state in tracked:
        listing.setdefault(key, {"metas": []})["metas"].append(state)
    return listing
