"""The body of a simulation: operations with the time at which each comes."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from shared.domain.commands import (
    Cancel,
    Command,
    Complete,
    FinishParticipant,
    Forfeit,
    Pause,
    PauseParticipant,
    ReopenParticipant,
    Resume,
    ResumeParticipant,
    Start,
)
from shared.domain.simulation import TimedCommand
from shared.domain.units import Instant, Millis, after
from shared.http.fields import Delay, Id, SmallObject
from shared.http.individual_bodies import BeginBody
from shared.http.programme_bodies import GoBody
from shared.http.request_bodies import AdjustClocksBody, Body, ReasonBody, SwitchBody, UndoBody
from shared.http.validation_errors import union_tag

MAX_OPERATIONS = 100

_ACTIONS: dict[str, Command] = {
    "start": Start(),
    "pause": Pause(),
    "resume": Resume(),
    "cancel": Cancel(),
}
_OWN_ACTIONS: dict[str, Callable[[str, str | None], Command]] = {
    "forfeit": Forfeit,
    "reopen": ReopenParticipant,
    "pause_participant": PauseParticipant,
    "resume_participant": ResumeParticipant,
}


class TimedOperation(Body):
    """An operation, with the fields of its endpoint, and when it comes."""

    after_ms: Delay


class TimedAction(TimedOperation):
    """An operation without fields."""

    operation: Literal["start", "pause", "resume", "cancel"]

    @field_validator("operation", mode="before")
    @classmethod
    def _name_all_operations(cls, value: Any) -> Any:
        """Refuse an unknown operation, with the names of all operations."""
        if value not in [*_ACTIONS]:
            raise PydanticKnownError("literal_error", {"expected": _OPERATION_NAMES})
        return value

    def command(self) -> Command:
        return _ACTIONS[self.operation]


class TimedCompletion(TimedOperation):
    """A completion."""

    operation: Literal["complete"]
    metadata: SmallObject | None = None

    def command(self) -> Complete:
        return Complete(self.metadata)


class TimedSwitch(TimedOperation, SwitchBody):
    """A switch."""

    operation: Literal["switch"]


class TimedGo(TimedOperation, GoBody):
    """A start of an item."""

    operation: Literal["go"]


class TimedAdjustment(TimedOperation, AdjustClocksBody):
    """An adjustment of clocks."""

    operation: Literal["adjust"]


class TimedUndo(TimedOperation, UndoBody):
    """An undo."""

    operation: Literal["undo"]


class TimedBegin(TimedOperation, BeginBody):
    """Participants of `individual` who begin."""

    operation: Literal["begin"]


class TimedFinish(TimedOperation):
    """A participant of `individual` who finishes."""

    operation: Literal["finish"]
    participant_id: Id

    def command(self) -> FinishParticipant:
        return FinishParticipant(self.participant_id)


class TimedOwnAction(TimedOperation, ReasonBody):
    """A forfeit, reopening, pause or resumption of one participant."""

    operation: Literal["forfeit", "reopen", "pause_participant", "resume_participant"]
    participant_id: Id

    def command(self) -> Command:
        return _OWN_ACTIONS[self.operation](self.participant_id, self.reason)


def _kind_of(value: Any) -> str:
    """Return the tag of the model for `value`; an unknown operation is refused by `TimedAction`."""
    operation = value.get("operation") if isinstance(value, dict) else None
    is_own = isinstance(operation, str) and operation in _OWN_ACTIONS
    kind = "own_action" if is_own else operation
    return union_tag(kind if kind in _KINDS else "action")


_KINDS = ("complete", "switch", "go", "adjust", "undo", "begin", "finish", "own_action")

_AnyOperation = Annotated[
    Annotated[TimedAction, Tag(union_tag("action"))]
    | Annotated[TimedCompletion, Tag(union_tag("complete"))]
    | Annotated[TimedSwitch, Tag(union_tag("switch"))]
    | Annotated[TimedGo, Tag(union_tag("go"))]
    | Annotated[TimedAdjustment, Tag(union_tag("adjust"))]
    | Annotated[TimedUndo, Tag(union_tag("undo"))]
    | Annotated[TimedBegin, Tag(union_tag("begin"))]
    | Annotated[TimedFinish, Tag(union_tag("finish"))]
    | Annotated[TimedOwnAction, Tag(union_tag("own_action"))],
    Discriminator(_kind_of),
]


def _names_in(union: Any) -> str:
    """Return the names of the operations of all models in the union, for an error."""
    models = [get_args(tagged)[0] for tagged in get_args(get_args(union)[0])]
    names = [n for one in models for n in get_args(one.model_fields["operation"].annotation)]
    *rest, last = map(repr, names)
    return f"{', '.join(rest)} or {last}"


_OPERATION_NAMES = _names_in(_AnyOperation)


class SimulationBody(Body):
    """Up to 100 operations, oldest first, and how far to go on after them."""

    operations: Annotated[list[_AnyOperation], Field(max_length=MAX_OPERATIONS)] = Field(
        default_factory=list
    )
    until_ms: Delay | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        delays = [one.after_ms for one in self.operations]
        if any(later < earlier for earlier, later in pairwise(delays)):
            raise PydanticCustomError("order", "operations must be in the order of after_ms")
        if delays and self.until_ms is not None and self.until_ms < delays[-1]:
            raise PydanticCustomError("order", "until_ms must not be before the last operation")
        return self

    def commands(self, now: Instant) -> list[TimedCommand]:
        """Return the commands with their instants, if the simulation begins at `now`."""
        return [TimedCommand(after(now, o.after_ms), o.command()) for o in self.operations]

    def end(self, now: Instant) -> Instant:
        """Return the instant at which the simulation ends; the last operation's by default."""
        last = self.operations[-1].after_ms if self.operations else Millis(0)
        return after(now, last if self.until_ms is None else self.until_ms)
