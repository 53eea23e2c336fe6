"""The Session of the API after a change, for its answer and its pushes."""

from collections.abc import Collection
from functools import cached_property

import msgspec

from shared.application.session_view import SessionView, encode_view, session_view
from shared.domain.session import Session
from shared.domain.units import Instant


class ShownState:
    """The Session of the API at `now`, rendered and encoded when it is first needed.

    A change of one of many participants may need neither: its push has the difference only, and its
    answer may be a small one.
    """

    def __init__(self, session: Session, now: Instant) -> None:
        self.session = session
        self.now = now

    @cached_property
    def view(self) -> SessionView:
        """The whole Session."""
        return session_view(self.session, self.now)

    @cached_property
    def encoded(self) -> msgspec.Raw:
        """The whole Session as JSON."""
        return encode_view(self.view)

    def with_only(self, indexes: Collection[int]) -> SessionView:
        """Return the Session with only the participants of these `participant_index`."""
        return session_view(self.session, self.now, only=indexes)
