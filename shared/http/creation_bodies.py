"""Request bodies with participants (docs/api.md), and their commands."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.domain.commands import AddParticipant, Create, NewGroup, NewParticipant, UpdateSession
from shared.domain.individual_clock import (
    FULL_PERMILLE,
    STANDARD,
    Allowance,
    Begins,
    IndividualSettings,
)
from shared.domain.lag import Lag
from shared.domain.participants import MAX_PARTICIPANTS
from shared.domain.programme import MAX_ITEMS
from shared.domain.session import SyncMode, TimeoutAction, TimeoutKind
from shared.domain.soft_close import SoftClose
from shared.domain.time_control import TimeControl
from shared.domain.units import Millis
from shared.http.fields import (
    BankTime,
    Duration,
    ExtraTime,
    Factor,
    Flag,
    FutureInstant,
    GracePeriod,
    Id,
    Increment,
    Index,
    LagGain,
    LongThresholds,
    Name,
    Repeat,
    ShortTime,
    SmallObject,
    Thresholds,
    Times,
    Uuid,
    check_object,
)
from shared.http.misspelt_keys import check_spelling
from shared.http.programme_bodies import ItemBody, ProgrammeName, programme_of
from shared.http.request_bodies import Body
from shared.http.time_control_bodies import TimeControlBody, TimeControlOrName


class ParticipantBody(Body):
    """A participant; `participant_index` defaults to the position in the list."""

    participant_id: Id
    participant_index: Index | None = None
    time_control: TimeControlOrName | None = None
    total_time_ms: BankTime | None = None
    group_id: Id | None = None
    name: Name | None = None
    extra_ms: ExtraTime | None = None
    factor_permille: Factor | None = None
    closes_at: FutureInstant | None = None

    def as_newcomer(self) -> NewParticipant:
        """Return the participant for the domain's commands."""
        bank_ms, control = self.total_time_ms, self.time_control
        if bank_ms is None and control is not None:
            bank_ms = control.default_bank_ms
        return NewParticipant(
            self.participant_id,
            self.participant_index,
            bank_ms,
            self.group_id,
            _control(control),
            self.name,
            self._allowance(),
        )

    def _allowance(self) -> Allowance:
        if self.extra_ms is None and self.factor_permille is None and self.closes_at is None:
            return STANDARD
        return Allowance(
            self.extra_ms or Millis(0),
            self.factor_permille or FULL_PERMILLE,
            self.closes_at,
        )


class NewcomerBody(ParticipantBody):
    """A participant who joins; in `individual`, `allow_cut` lets its limit end after its close."""

    allow_cut: Flag | None = None

    def command(self) -> AddParticipant:
        return AddParticipant(self.as_newcomer(), bool(self.allow_cut))


class GroupBody(Body):
    """The bank of a group, instead of the sum of its members' banks, and its name."""

    group_id: Id
    time_control: TimeControlOrName | None = None
    total_time_ms: BankTime
    name: Name | None = None

    def as_new_group(self) -> NewGroup:
        """Return the group for the domain's commands."""
        control = _control(self.time_control)
        return NewGroup(self.group_id, self.total_time_ms, control, self.name)


def _with(name: str) -> dict[str, Any]:
    """Return the JSON Schema that requires this integer."""
    return {"properties": {name: {"type": "integer"}}, "required": [name]}


class LagBody(Body):
    """Lag compensation; `gain_ms` is what each turn adds, by default by the owner's time."""

    gain_ms: LagGain | None = None

    def lag(self) -> Lag:
        """Return the lag compensation for the domain."""
        return Lag(self.gain_ms)


class SoftCloseBody(Body):
    """A switch with at most `window_ms` left sets the clock to `to_ms`, or adds `by_ms` to it.

    At most `at_most` times, and never past `not_after`.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [_with("to_ms"), _with("by_ms")]})

    window_ms: Duration
    to_ms: Duration | None = None
    by_ms: Duration | None = None
    at_most: Times | None = None
    not_after: FutureInstant | None = None

    def rule(self) -> SoftClose:
        """Return the soft close for the domain, which checks that one form is given."""
        return SoftClose(
            self.window_ms,
            self.to_ms,
            self.by_ms,
            self.at_most,
            self.not_after,
        )


class TimeoutActionBody(BaseModel):
    """The action when a clock reaches zero; other keys are the application's own.

    The service reads `type` and, with `end_session`, `winner_by`; a misspelt one is refused.
    """

    model_config = ConfigDict(extra="allow")

    type: Literal["notify", "skip_cycle", "end_session", "auto_action"] = "notify"

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        check_object(value)
        if "type" not in value:
            check_spelling(value, "type")
        elif value["type"] == TimeoutKind.END_SESSION:
            check_spelling(value, "winner_by")
        return value

    def action(self) -> TimeoutAction:
        """Return the domain's action."""
        return TimeoutAction(TimeoutKind(self.type), self.model_extra or None)


_WITH_BANK: dict[str, Any] = {
    "properties": {"total_time_ms": {"type": "integer"}},
    "required": ["total_time_ms"],
}
_NOT_EMPTY = {"minItems": 1}
_EACH_WITH_BANK = {"minItems": 1, "items": _WITH_BANK}
_INTEGER = {"type": "integer"}


def _mode(name: str, **required: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of the fields that this mode requires."""
    no_groups = {} if name == "per_group" else {"groups": {"maxItems": 0}}
    properties = {"sync_mode": {"const": name}, **no_groups, **required}
    return {"properties": properties, "required": ["sync_mode", *required]}


_MODES: list[Any] = [
    _mode("per_participant", participants=_EACH_WITH_BANK),
    _mode("per_cycle", participants=_EACH_WITH_BANK),
    _mode("per_cycle", participants=_NOT_EMPTY, time_per_cycle_ms=_INTEGER),
    _mode("per_group", participants=_EACH_WITH_BANK),
    _mode("per_group", participants=_NOT_EMPTY, groups={"type": "array", "minItems": 1}),
    _mode("global", total_time_ms=_INTEGER),
    _mode("global", time_per_cycle_ms=_INTEGER),
    _mode("global", items=_NOT_EMPTY),
    _mode("global", programme={"type": "string"}),
    _mode("global", ends_at={"type": "string"}),
    _mode("count_up"),
    _mode("individual", participants=_NOT_EMPTY),
]


class CreateBody(Body):
    """The session to create."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _MODES})

    session_id: Uuid | None = None
    sync_mode: Literal[
        "per_participant", "per_cycle", "per_group", "global", "count_up", "individual"
    ]
    participants: Annotated[list[ParticipantBody], Field(max_length=MAX_PARTICIPANTS)] = Field([])
    groups: Annotated[list[GroupBody], Field(max_length=MAX_PARTICIPANTS)] | None = None
    total_time_ms: Duration | None = None
    time_per_cycle_ms: Duration | None = None
    increment_ms: Increment | None = None
    time_control: TimeControlOrName | None = None
    max_time_ms: Duration | None = None
    active_participant_id: Id | None = None
    auto_advance: Flag | None = None
    action_on_timeout: TimeoutActionBody | None = None
    warn_at_ms: Thresholds | None = None
    metadata: SmallObject | None = None
    participants_may_pause: Flag | None = None
    participants_may_give_ms: ShortTime | None = None
    lag: LagBody | None = None
    begins: Literal["together", "each"] | None = None
    closes_at: FutureInstant | None = None
    grace_ms: GracePeriod | None = None
    rounds: Flag | None = None
    allow_cut: Flag | None = None
    start_at: FutureInstant | None = None
    warn_before_start_ms: LongThresholds | None = None
    ends_at: FutureInstant | None = None
    moves_with_pause: Flag | None = None
    extend_on_switch: SoftCloseBody | None = None
    items: Annotated[list[ItemBody], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    programme: ProgrammeName | None = None
    repeat: Repeat | None = None
    overtime: Flag | None = None
    test: Flag | None = None

    @field_validator("programme")
    @classmethod
    def _check_programme(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("items") is not None:
            raise PydanticCustomError("not_allowed", "cannot be combined with items")
        return value

    @field_validator("repeat")
    @classmethod
    def _check_repeat(cls, value: int | None, info: ValidationInfo) -> int | None:
        """Check that there is something to repeat. An invalid field counts as given."""
        sources = [info.data.get(name, value) for name in ("items", "programme")]
        if value is not None and sources == [None, None]:
            raise PydanticCustomError("not_allowed", "needs items or a programme")
        return value

    @classmethod
    def context_of(cls, value: Any) -> dict[str, Any]:
        has_control = isinstance(value, dict) and value.get("time_control") is not None
        return {"has_time_control": has_control}

    def command(self, session_id: str) -> Create:
        """Return the command that creates a session with this id.

        Only fields that the body has are looked at, because most bodies have few. For the others,
        and for null, the command has defaults.
        """
        given, values = self.model_fields_set, vars(self)
        fields: dict[str, Any] = {"session_id": session_id}
        for name in given & _COPIED:
            if (value := values[name]) is not None:
                fields[name] = value
        for name in given & _CONVERTED_FIELDS:
            if (value := values[name]) is not None:
                fields[name] = _CONVERTED[name](value)
        if not _COMBINED.isdisjoint(given):
            fields |= self._combined()
        return Create(**fields)

    def _combined(self) -> dict[str, Any]:
        """Return the command's fields that come from several fields of the body or have others'
        names."""
        individual = IndividualSettings(
            Begins(self.begins) if self.begins else Begins.TOGETHER,
            self.closes_at,
            self.grace_ms or Millis(0),
            bool(self.rounds),
        )
        return {
            "default_bank_ms": self.time_control.default_bank_ms if self.time_control else None,
            "individual": individual,
            "programme": programme_of(self.items, self.programme, self.repeat),
            "is_test": bool(self.test),
        }


_COPIED = frozenset(
    {
        "total_time_ms",
        "time_per_cycle_ms",
        "increment_ms",
        "max_time_ms",
        "active_participant_id",
        "auto_advance",
        "metadata",
        "participants_may_pause",
        "participants_may_give_ms",
        "allow_cut",
        "overtime",
        "start_at",
        "ends_at",
        "moves_with_pause",
    }
)
"""Fields of `CreateBody` that the command has as they are."""

_CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "sync_mode": {mode.value: mode for mode in SyncMode}.__getitem__,
    "participants": lambda bodies: tuple([body.as_newcomer() for body in bodies]),
    "groups": lambda bodies: tuple([body.as_new_group() for body in bodies]),
    "time_control": TimeControlBody.control,
    "action_on_timeout": TimeoutActionBody.action,
    "warn_at_ms": tuple,
    "warn_before_start_ms": tuple,
    "lag": LagBody.lag,
    "extend_on_switch": SoftCloseBody.rule,
}
"""Fields that the command has in another form. `SyncMode(...)` would take much longer."""

_CONVERTED_FIELDS = frozenset(_CONVERTED)

_COMBINED = CreateBody.model_fields.keys() - {"session_id", *_COPIED, *_CONVERTED}
_COMBINED |= {"time_control"}
"""Fields that `CreateBody._combined` looks at."""


class UpdateBody(Body):
    """The settings to change. `null` removes `metadata` and `start_at`."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    metadata: SmallObject | None = None
    warn_at_ms: Thresholds | None = None
    action_on_timeout: TimeoutActionBody | None = None
    participants_may_pause: Flag | None = None
    participants_may_give_ms: ShortTime | None = None
    start_at: FutureInstant | None = None
    warn_before_start_ms: LongThresholds | None = None
    ends_at: FutureInstant | None = None
    active_participant_id: Id | None = None

    @model_validator(mode="after")
    def _require_a_setting(self) -> Self:
        names = type(self).model_fields
        removes = self._removes("metadata") or self._removes("start_at")
        if not removes and all(getattr(self, name) is None for name in names):
            raise PydanticCustomError("too_few", f"must have at least one of {', '.join(names)}")
        return self

    def _removes(self, name: str) -> bool:
        return name in self.model_fields_set and getattr(self, name) is None

    def command(self) -> UpdateSession:
        before_start = self.warn_before_start_ms
        action, gift = self.action_on_timeout, self.participants_may_give_ms
        return UpdateSession(
            metadata=self.metadata,
            removes_metadata=self._removes("metadata"),
            warn_at_ms=None if self.warn_at_ms is None else tuple(self.warn_at_ms),
            action_on_timeout=action.action() if action else None,
            participants_may_pause=self.participants_may_pause,
            participants_may_give_ms=gift,
            start_at=self.start_at,
            removes_start_at=self._removes("start_at"),
            warn_before_start_ms=None if before_start is None else tuple(before_start),
            ends_at=self.ends_at,
            active_participant_id=self.active_participant_id,
        )


def _control(body: TimeControlBody | None) -> TimeControl | None:
    return body.control() if body else None
