"""A message to the followers of a session, in its two forms."""

from collections.abc import Callable


class PushMessage:
    """One message to the followers of a session, as JSON.

    `published` is the form that Redis passes to all instances. Usually clients get the same. Where
    there is a `render`, `published` has the difference of the state only, and `render` makes the
    `whole` message with the state as soon as it is needed.
    """

    __slots__ = ("_render", "_whole", "published")

    def __init__(self, published: bytes, render: Callable[[], bytes] | None = None) -> None:
        self.published = published
        self._render = render
        self._whole: bytes | None = None

    @property
    def is_reduced(self) -> bool:
        """Whether `published` has the difference in place of the state."""
        return self._render is not None

    @property
    def whole(self) -> bytes:
        """The message with the whole state, if it is about a state."""
        if self._render is None:
            return self.published
        if self._whole is None:
            self._whole = self._render()
        return self._whole
