"""Who is present in one topic, in Phoenix's form: `{key: {"metas": [state, ...]}}`."""

from secrets import token_urlsafe
from typing import Any

_REF_BYTES = 12

Listing = dict[str, dict[str, list[dict[str, Any]]]]


class Presence:
    """Each tracker (a channel) shows one state under a key, which others may share."""

    def __init__(self) -> None:
        self._tracked: dict[object, tuple[str, dict[str, Any]]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody is there."""
        return not self._tracked

    def state(self) -> Listing:
        """Everybody."""
        return _listing(list(self._tracked.values()))

    def track(self, tracker: object, key: str, state: dict[str, Any]) -> dict[str, Listing]:
        """Show that state in place of an earlier one; returns the difference."""
        before = self._tracked.get(tracker)
        shown = {**state, "phx_ref": token_urlsafe(_REF_BYTES)}
        if before:
            shown["phx_ref_prev"] = before[1]["phx_ref"]
        self._tracked[tracker] = (key, shown)
        left = [before] if before else []
        return {"joins": _listing([(key, shown)]), "leaves": _listing(left)}

    def untrack(self, tracker: object) -> dict[str, Listing] | None:
        """Show nothing of it; returns the difference, if it makes one."""
        before = self._tracked.pop(tracker, None)
        return {"joins": {}, "leaves": _listing([before])} if before else None


def _listing(tracked: list[tuple[str, dict[str, Any]]]) -> Listing:
    listing: Listing = {}
    for key, state in tracked:
        listing.setdefault(key, {"metas": []})["metas"].append(state)
    return listing
