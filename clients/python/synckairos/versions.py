"""Which versions of a session were received, and which are missing."""

from synckairos.api_types import SessionState
from synckairos.timing import MAX_MISSING


def is_newer(state: SessionState, known: SessionState | None) -> bool:
    """Return whether `state` is newer than `known`.

    Versions only grow, but an id may be reused after a deletion, and then they start over.
    """
    if known is None:
        return True
    if state["created_at"] != known["created_at"]:
        return state["created_at"] > known["created_at"]
    return state["version"] > known["version"]


def is_next(state: SessionState, previous: SessionState | None) -> bool:
    """Return whether `state` directly follows `previous`."""
    return (
        previous is not None
        and state["created_at"] == previous["created_at"]
        and state["version"] == previous["version"] + 1
    )


class Versions:
    """Versions of one session until its deletion: the newest known one, and the missing ones."""

    def __init__(self) -> None:
        self.newest = 0
        self._held_version = 0
        self._missing: set[int] = set()

    @property
    def has_gap(self) -> bool:
        """Whether a version is known to exist, or was skipped, that hasn't arrived."""
        return self.newest > self._held_version or bool(self._missing)

    def take(self, state: SessionState, previous: SessionState | None, *, is_whole: bool) -> None:
        """Hold a newer state; with `is_whole`, no earlier version is missing any more."""
        version = state["version"]
        if previous is None or previous["created_at"] != state["created_at"]:
            self.newest, self._missing, is_whole = version, set(), True
        skipped = range(self._held_version + 1, version)
        missing = set() if is_whole else self._missing | set(skipped[-MAX_MISSING:])
        self._missing = set(sorted(missing - {version})[-MAX_MISSING:])
        self._held_version = version
        self.newest = max(self.newest, version)

    def came_late(self, version: int) -> None:
        """Record a version that arrived after a newer one."""
        self._missing.discard(version)

    def note(self, version: int) -> None:
        """Record that `version` exists."""
        self.newest = max(self.newest, version)

    def settle(self, version: int) -> None:
        """The server said that `version` is the newest, and no newer one is known since."""
        self.newest = version
        self._missing = set()
