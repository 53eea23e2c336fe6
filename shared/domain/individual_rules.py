"""Rules for the fields of `individual`: at a creation, and when a participant joins."""

from collections.abc import Iterator

from shared.domain.commands import Create
from shared.domain.errors import Violation
from shared.domain.individual_clock import STANDARD, Allowance, IndividualSettings
from shared.domain.schedule import instant_violation
from shared.domain.session import SyncMode, TimeoutAction, TimeoutKind
from shared.domain.units import Instant, Millis, after

_NOT_IN_INDIVIDUAL = (
    "time_per_cycle_ms",
    "increment_ms",
    "max_time_ms",
    "active_participant_id",
    "auto_advance",
)
"""Fields of a creation that mean nothing without turns."""

_NO_SETTINGS = IndividualSettings()
_ONLY = "is for individual only"


def individual_violations(spec: Create, now: Instant) -> Iterator[Violation]:
    """Yield the rules of `individual` that a creation breaks, in that mode and in others."""
    if spec.sync_mode is not SyncMode.INDIVIDUAL:
        yield from _fields_elsewhere(spec)
        return
    for name in _NOT_IN_INDIVIDUAL:
        if getattr(spec, name):
            yield Violation(name, "is for modes in which participants take turns", "not_allowed")
    if violation := action_violation(spec.sync_mode, spec.action_on_timeout):
        yield violation
    if violation := instant_violation("closes_at", spec.individual.closes_at, now):
        yield violation
    for position, newcomer in enumerate(spec.participants):
        yield from allowance_violations(
            newcomer.allowance,
            spec.individual,
            spec.total_time_ms,
            now,
            f"participants.{position}.",
            begins_at=now if spec.start_at is None else spec.start_at,
            allow_cut=spec.allow_cut,
        )


def allowance_violations(
    allowance: Allowance,
    settings: IndividualSettings | None,
    total_ms: Millis | None,
    now: Instant,
    prefix: str,
    *,
    begins_at: Instant,
    allow_cut: bool,
) -> Iterator[Violation]:
    """Yield the rules that a participant's allowance breaks; `prefix` ends with a dot.

    `settings` is None in other modes. Unless `allow_cut`, a participant who begins at `begins_at`
    must have its whole limit before its closing time.
    """
    if settings is None:
        yield from _allowance_elsewhere(allowance, prefix)
        if allow_cut:
            yield Violation(f"{prefix}allow_cut", _ONLY, "not_allowed")
        return
    if violation := instant_violation(f"{prefix}closes_at", allowance.closes_at, now):
        yield violation
    if total_ms is None:
        for name in ("extra_ms", "factor_permille"):
            if getattr(allowance, name) != getattr(STANDARD, name):
                message = "needs a total_time_ms of the session"
                yield Violation(f"{prefix}{name}", message, "not_allowed")
    limit = allowance.limit_ms(total_ms)
    closes_at = settings.closes_at if allowance.closes_at is None else allowance.closes_at
    if prefix == "" and allowance.closes_at is None and closes_at is not None and closes_at <= now:
        yield Violation(f"{prefix}closes_at", "is required: the session has closed", "missing")
        return
    if limit is None or closes_at is None or allow_cut or after(begins_at, limit) <= closes_at:
        return
    message = f"is too early for the limit of {limit}ms: set it later, or allow_cut"
    yield Violation(f"{prefix}closes_at", message, "cut")


def action_violation(mode: SyncMode, action: TimeoutAction | None) -> Violation | None:
    """Return the violation of an action on timeout that `individual` doesn't have."""
    allowed = (TimeoutKind.NOTIFY, TimeoutKind.AUTO_ACTION)
    if mode is not SyncMode.INDIVIDUAL or action is None or action.type in allowed:
        return None
    message = "must be notify or auto_action in individual"
    return Violation("action_on_timeout.type", message, "not_allowed")


def _fields_elsewhere(spec: Create) -> Iterator[Violation]:
    if spec.individual != _NO_SETTINGS:
        for name in IndividualSettings.__struct_fields__:
            if getattr(spec.individual, name) != getattr(_NO_SETTINGS, name):
                yield Violation(name, _ONLY, "not_allowed")
    if spec.allow_cut:
        yield Violation("allow_cut", _ONLY, "not_allowed")
    for position, newcomer in enumerate(spec.participants):
        if newcomer.allowance != STANDARD:
            yield from _allowance_elsewhere(newcomer.allowance, f"participants.{position}.")


def _allowance_elsewhere(allowance: Allowance, prefix: str) -> Iterator[Violation]:
    for name in Allowance.__struct_fields__:
        if getattr(allowance, name) != getattr(STANDARD, name):
            yield Violation(f"{prefix}{name}", _ONLY, "not_allowed")
