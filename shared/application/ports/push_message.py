"""A message to the followers of a session, in its two forms."""

from collections.abc import Callable
from functools import cached_property


class PushMessage:
    """One message to the followers of a session, as JSON.

    `published` is the form that Redis passes to all instances. Usually clients get the same. Where
    there is a `render`, `published` has the difference of the state only, and `render` makes the
    `whole` message with the state as soon as it is needed.
    """

    def __init__(self, published: bytes, render: Callable[[], bytes] | None = None) -> None:
        self.published = published
        self._render = render

    @property
    def is_reduced(self) -> bool:
        """Whether `published` has the difference in place of the state."""
        return self._render is not None

    @cached_property
    def whole(self) -> bytes:
        """The message with the whole state, if it is about a state."""
        return self._render() if self._render else self.published
