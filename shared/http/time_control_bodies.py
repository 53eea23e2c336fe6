"""Time controls in request bodies: their fields, or the name of a preset."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.application.time_control_presets import Preset, preset_named, presets
from shared.domain.time_control import Overtime, Stage, StartOn, TimeControl
from shared.domain.units import Millis
from shared.http.fields import (
    BlockTurns,
    Flag,
    LongIncrement,
    LongTime,
    PeriodCount,
    ShortTime,
    StageTurns,
)
from shared.http.request_bodies import Body, OrName


def _form(*required: str) -> dict[str, Any]:
    """Return the JSON Schema of an overtime that has these fields."""
    fields = {name: {"type": "integer"} for name in required}
    return {"properties": fields, "required": list(required)}


_FORMS: list[Any] = [_form("period_ms", "periods"), _form("period_ms", "turns"), _form("extra_ms")]


class OvertimeBody(Body):
    """Byo-yomi (`period_ms`, `periods`), Canadian (`period_ms`, `turns`), or an extra bank."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _FORMS})

    period_ms: LongTime | None = None
    periods: PeriodCount | None = None
    turns: BlockTurns | None = None
    extra_ms: LongTime | None = None

    def overtime(self) -> Overtime:
        """Return the overtime for the domain, which checks the fields together."""
        return Overtime(
            self.period_ms or Millis(0),
            self.periods or 0,
            self.turns or 0,
            self.extra_ms or Millis(0),
        )


class StageBody(Body):
    """A stage that begins when its owner has completed `after_turns` turns."""

    after_turns: StageTurns
    add_ms: LongIncrement = Millis(0)
    increment_ms: LongIncrement | None = None

    def stage(self) -> Stage:
        """Return the stage for the domain."""
        return Stage(self.after_turns, self.add_ms, self.increment_ms)


class TimeControlBody(Body):
    """The time that a turn may use, and what its end gives back."""

    delay_ms: ShortTime = Millis(0)
    give_back_ms: ShortTime = Millis(0)
    increment_ms: LongIncrement = Millis(0)
    first_turn: Flag = False
    max_bank_ms: LongTime | None = None
    overtime: OvertimeBody | None = None
    stages: Annotated[list[StageBody], Field(max_length=9)] = Field([])
    hourglass: Flag = False
    start_on: Literal["start", "first_turn"] = "start"
    first_turn_within_ms: LongTime | None = None

    _preset: Preset | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _take_name(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Accept the name of a preset instead of fields."""
        if not isinstance(value, str):
            return validate(value)
        body = validate({})
        body._preset = preset_named(value)
        if body._preset is None:
            message = "is not a known time control: GET /v1/time-controls lists them"
            raise PydanticCustomError("invalid_enum", message)
        return body

    @property
    def default_bank_ms(self) -> Millis | None:
        """The bank of the named preset; None if fields are given."""
        return self._preset.total_time_ms if self._preset else None

    def control(self) -> TimeControl:
        """Return the time control for the domain, which checks the fields together."""
        if self._preset:
            return self._preset.time_control
        return TimeControl(
            delay_ms=self.delay_ms,
            give_back_ms=self.give_back_ms,
            increment_ms=self.increment_ms,
            first_turn=self.first_turn,
            max_bank_ms=self.max_bank_ms,
            overtime=self.overtime.overtime() if self.overtime else None,
            stages=tuple(stage.stage() for stage in self.stages),
            hourglass=self.hourglass,
            start_on=StartOn(self.start_on),
            first_turn_within_ms=self.first_turn_within_ms,
        )


TimeControlOrName = Annotated[TimeControlBody, OrName(lambda: list(presets()))]
