"""Bodies that bring participants (API §2), and the commands they stand for."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.domain.commands import AddParticipant, Create, NewGroup, NewParticipant
from shared.domain.membership import MAX_PARTICIPANTS
from shared.domain.session import SyncMode, TimeoutAction, TimeoutKind
from shared.domain.units import Millis
from shared.http.bodies import Body
from shared.http.fields import (
    Duration,
    Flag,
    Increment,
    Index,
    SmallObject,
    Threshold,
    Uuid,
    check_small,
)
from shared.http.validation import MAX_DETAILS


class ParticipantBody(Body):
    """One who takes part; `participant_index` defaults to the position in the list."""

    participant_id: Uuid
    participant_index: Index | None = None
    total_time_ms: Duration | None = None
    group_id: Uuid | None = None

    def as_newcomer(self) -> NewParticipant:
        """The participant of the domain."""
        return NewParticipant(
            self.participant_id,
            self.participant_index,
            _millis(self.total_time_ms),
            self.group_id,
        )

    def command(self) -> AddParticipant:
        """What the body asks for."""
        return AddParticipant(self.as_newcomer())


class GroupBody(Body):
    """A group's bank, where it is not the sum of its members'."""

    group_id: Uuid
    total_time_ms: Duration


class TimeoutActionBody(BaseModel):
    """What a flag fall leads to; keys beyond `type` are the application's own."""

    model_config = ConfigDict(extra="allow")

    type: Literal["notify", "skip_cycle", "end_session", "auto_action"] = "notify"

    @model_validator(mode="before")
    @classmethod
    def _is_small(cls, value: Any) -> Any:
        return check_small(value) if isinstance(value, dict) else value

    def action(self) -> TimeoutAction:
        """The action of the domain."""
        return TimeoutAction(TimeoutKind(self.type), self.model_extra or None)


_WITH_BANK: dict[str, Any] = {
    "properties": {"total_time_ms": {"type": "integer"}},
    "required": ["total_time_ms"],
}
_SOMEBODY = {"minItems": 1}
_EACH_WITH_BANK = {"minItems": 1, "items": _WITH_BANK}
_GIVEN = {"type": "integer"}


def _mode(name: str, **needed: dict[str, Any]) -> dict[str, Any]:
    """What a session of that mode must bring, as JSON Schema."""
    no_groups = {} if name == "per_group" else {"groups": {"maxItems": 0}}
    properties = {"sync_mode": {"const": name}, **no_groups, **needed}
    return {"properties": properties, "required": ["sync_mode", *needed]}


_MODES: list[Any] = [
    _mode("per_participant", participants=_EACH_WITH_BANK),
    _mode("per_cycle", participants=_EACH_WITH_BANK),
    _mode("per_cycle", participants=_SOMEBODY, time_per_cycle_ms=_GIVEN),
    _mode("per_group", participants=_EACH_WITH_BANK),
    _mode("per_group", participants=_SOMEBODY, groups={"type": "array", "minItems": 1}),
    _mode("global", total_time_ms=_GIVEN),
    _mode("global", time_per_cycle_ms=_GIVEN),
    _mode("count_up"),
]


class CreateBody(Body):
    """A session to be created."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _MODES})

    session_id: Uuid | None = None
    sync_mode: Literal["per_participant", "per_cycle", "per_group", "global", "count_up"]
    participants: Annotated[list[ParticipantBody], Field(max_length=MAX_PARTICIPANTS)] = Field([])
    groups: Annotated[list[GroupBody], Field(max_length=MAX_PARTICIPANTS)] | None = None
    total_time_ms: Duration | None = None
    time_per_cycle_ms: Duration | None = None
    increment_ms: Increment | None = None
    max_time_ms: Duration | None = None
    active_participant_id: Uuid | None = None
    auto_advance: Flag | None = None
    action_on_timeout: TimeoutActionBody | None = None
    warn_at_ms: Annotated[list[Threshold], Field(max_length=5)] | None = None
    metadata: SmallObject | None = None
    participants_may_pause: Flag | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_a_flood(cls, value: Any) -> Any:
        """The body without the participants and groups behind the first 20 plain faults.

        It is refused in any case, and the answer shows no more faults.
        """
        if not isinstance(value, dict):
            return value
        lists = (
            ("participants", ParticipantBody, "participant_id"),
            ("groups", GroupBody, "group_id"),
        )
        return value | {
            name: _until_too_many_faults(value[name], model, id_name)
            for name, model, id_name in lists
            if isinstance(value.get(name), list)
            and MAX_DETAILS < len(value[name]) <= MAX_PARTICIPANTS
        }

    def command(self, session_id: str) -> Create:
        """What the body asks for, for a session of that id."""
        action = self.action_on_timeout
        return Create(
            session_id=session_id,
            sync_mode=SyncMode(self.sync_mode),
            participants=tuple(p.as_newcomer() for p in self.participants),
            groups=tuple(NewGroup(g.group_id, Millis(g.total_time_ms)) for g in self.groups or ()),
            total_time_ms=_millis(self.total_time_ms),
            time_per_cycle_ms=_millis(self.time_per_cycle_ms),
            increment_ms=Millis(self.increment_ms or 0),
            max_time_ms=_millis(self.max_time_ms),
            active_participant_id=self.active_participant_id,
            auto_advance=bool(self.auto_advance),
            action_on_timeout=action.action() if action else TimeoutAction(),
            warn_at_ms=tuple(map(Millis, self.warn_at_ms or ())),
            metadata=self.metadata,
            participants_may_pause=bool(self.participants_may_pause),
        )


def _until_too_many_faults(items: list[Any], model: type[Body], id_name: str) -> list[Any]:
    """`items` up to the one in which plain faults become more than an answer can show: unknown
    fields, and ids that are no strings."""
    faults = 0
    for place, item in enumerate(items):
        if isinstance(item, dict):
            faults += max(0, len(item) - len(model.known))
            faults += not isinstance(item.get(id_name), str)
        else:
            faults += 1
        if faults > MAX_DETAILS:
            return items[: place + 1]
    return items


def _millis(value: int | None) -> Millis | None:
    return None if value is None else Millis(value)
