"""Rules that programmes and overruns (`overtime: true`) impose on the other settings."""

from collections.abc import Iterator

from shared.domain.commands import Create
from shared.domain.errors import Violation
from shared.domain.programme import Programme
from shared.domain.session import Session, SyncMode, TimeoutKind
from shared.domain.time_control import TimeControl

_COUNTING_MODES = (
    SyncMode.PER_PARTICIPANT,
    SyncMode.PER_CYCLE,
    SyncMode.PER_GROUP,
    SyncMode.GLOBAL,
    SyncMode.COUNT_UP,
)

_NOT_WITH_OVERTIME = ("auto_advance", "lag", "ends_at", "extend_on_switch")
"""Settings that expect a clock to stop at zero."""


def setting_violations(settings: Create | Session) -> Iterator[Violation]:
    """Yield the rules that the settings of a session break together."""
    if settings.programme:
        yield from _programme_violations(settings, settings.programme)
    if settings.overtime:
        yield from _overrun_violations(settings)
        return
    for position, threshold in enumerate(settings.warn_at_ms):
        if threshold < 0:
            message = "must be at least 1ms without overtime"
            yield Violation(f"warn_at_ms.{position}", message, "too_small")


def overtime_violation(
    control: TimeControl, field: str, settings: Create | Session
) -> Violation | None:
    """Return the violation of a time control with overtime in a session that counts overruns."""
    if not (settings.overtime and control.overtime):
        return None
    message = "cannot be combined with the session's overtime"
    return Violation(f"{field}.overtime", message, "not_allowed")


def _programme_violations(settings: Create | Session, programme: Programme) -> Iterator[Violation]:
    if settings.sync_mode is not SyncMode.GLOBAL:
        yield Violation("items", "is for global only", "not_allowed")
    seen: set[str] = set()
    for position, item in enumerate(programme.items):
        if item.item_id in seen:
            yield Violation(f"items.{position}.item_id", "must be unique", "duplicate")
        seen.add(item.item_id)
    others = {
        "total_time_ms": settings.total_time_ms,
        "time_per_cycle_ms": settings.time_per_cycle_ms,
        "auto_advance": settings.auto_advance,
        "ends_at": settings.ends_at,
        "extend_on_switch": settings.extend_on_switch,
    }
    for name, value in others.items():
        if value:
            yield Violation(name, "cannot be combined with items", "not_allowed")
    if settings.action_on_timeout.type is not TimeoutKind.NOTIFY:
        message = "must be notify with items, of which each has its own on_end"
        yield Violation("action_on_timeout.type", message, "not_allowed")


def _overrun_violations(settings: Create | Session) -> Iterator[Violation]:
    control = settings.time_control
    if settings.sync_mode not in _COUNTING_MODES:
        yield Violation("overtime", f"is not for {settings.sync_mode}", "not_allowed")
    if settings.action_on_timeout.type is not TimeoutKind.NOTIFY:
        yield Violation("action_on_timeout.type", "must be notify with overtime", "not_allowed")
    for name in _NOT_WITH_OVERTIME:
        if getattr(settings, name):
            yield Violation(name, "cannot be combined with overtime", "not_allowed")
    if settings.sync_mode is SyncMode.COUNT_UP and settings.max_time_ms is None:
        yield Violation("overtime", "needs max_time_ms in count_up", "not_allowed")
    if control and control.hourglass:
        message = "cannot be combined with overtime"
        yield Violation("time_control.hourglass", message, "not_allowed")
    if control and (violation := overtime_violation(control, "time_control", settings)):
        yield violation
