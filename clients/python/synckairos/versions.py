"""Which versions of a session there are, as far as they are known."""

from synckairos.states import SessionState

_MOST_MISSING = 256


def is_newer(state: SessionState, known: SessionState | None) -> bool:
    """Whether `state` tells more than `known`.

    Versions only grow, but an id may be used again after a deletion, and then they begin anew.
    """
    if known is None:
        return True
    if state["created_at"] != known["created_at"]:
        return state["created_at"] > known["created_at"]
    return state["version"] > known["version"]


def is_next(state: SessionState, previous: SessionState | None) -> bool:
    """Whether no version lies between the two."""
    return (
        previous is not None
        and state["created_at"] == previous["created_at"]
        and state["version"] == previous["version"] + 1
    )


class Versions:
    """Those of one life of a session: the newest that must exist, and those that were skipped."""

    def __init__(self) -> None:
        self.newest = 0
        self._held = 0
        self._missing: set[int] = set()

    @property
    def has_gap(self) -> bool:
        """Whether something is there, or was, that never came."""
        return self.newest > self._held or bool(self._missing)

    def take(self, state: SessionState, previous: SessionState | None, *, is_whole: bool) -> None:
        """Hold a newer state; one that `is_whole` makes up for all before it."""
        version = state["version"]
        if previous is None or previous["created_at"] != state["created_at"]:
            self.newest, self._missing, is_whole = version, set(), True
        skipped = range(self._held + 1, version)
        self._missing = set() if is_whole else self._missing | set(skipped[-_MOST_MISSING:])
        self._missing.discard(version)
        self._held = version
        self.newest = max(self.newest, version)

    def came_late(self, version: int) -> None:
        """Note one that arrived behind a newer one."""
        self._missing.discard(version)

    def note(self, version: int) -> None:
        """Note that `version` exists."""
        self.newest = max(self.newest, version)

    def settle(self, version: int) -> None:
        """The server said that `version` is the newest, and nothing newer was heard of since."""
        self.newest = version
        self._missing = set()
