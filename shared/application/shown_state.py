"""The Session of the API after a change, for its answer and its pushes."""

from collections.abc import Collection

import msgspec

from shared.application.session_view import SessionView, encode_view, session_view
from shared.domain.session import Session
from shared.domain.units import Instant


class ShownState:
    """The Session of the API at `now`, rendered and encoded when it is first needed.

    A change of one of many participants may need neither: its push has the difference only, and its
    answer may be a small one.
    """

    __slots__ = ("_encoded", "_view", "now", "session")

    def __init__(self, session: Session, now: Instant) -> None:
        self.session = session
        self.now = now
        self._view: SessionView | None = None
        self._encoded: msgspec.Raw | None = None

    @property
    def view(self) -> SessionView:
        """The whole Session."""
        if self._view is None:
            self._view = session_view(self.session, self.now)
        return self._view

    @property
    def encoded(self) -> msgspec.Raw:
        """The whole Session as JSON."""
        if self._encoded is None:
            self._encoded = encode_view(self.view)
        return self._encoded

    def with_only(self, indexes: Collection[int]) -> SessionView:
        """Return the Session with only the participants of these `participant_index`."""
        return session_view(self.session, self.now, only=indexes)
