"""Whether the present work concerns test sessions only, so that production metrics leave it out.

The store notes each session that a piece of work loads or commits. A piece of work is an
`asyncio` task with the tasks that it starts: a request, a wake-up, a push.
"""

from contextvars import ContextVar

from shared.domain.session import Session

_is_test: ContextVar[bool | None] = ContextVar("is_test_traffic", default=None)
"""None before a session is noted."""


def note_session(session: Session) -> None:
    """Note that the present work concerns `session`."""
    _is_test.set(session.virtual_clock is not None and _is_test.get() is not False)


def is_test_traffic() -> bool:
    """Whether the present work concerns at least one session, and only test sessions."""
    return _is_test.get() is True
