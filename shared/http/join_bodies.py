"""Request bodies of join codes."""

from typing import Annotated

from pydantic import Field, Strict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.application.join_service import Terms
from shared.application.ports.join_codes import JoinRole, Newcomers
from shared.domain.units import HOUR
from shared.http.fields import BankTime, Duration, Id, Integer, Name
from shared.http.request_bodies import Body

_MAX_USES = 10_000
_DEFAULT_USES = 1_000
_MAX_TYPED = 40


class NewcomersBody(Body):
    """The time and group of each participant that the code adds, as in `POST .../participants`."""

    total_time_ms: BankTime | None = None
    group_id: Id | None = None


class JoinCodeBody(Body):
    """The role that a code gives, how long it is open, and how often it may be used.

    With `newcomers`, which may be `{}`, people may also join as new participants.
    """

    role: JoinRole
    expires_in_ms: Duration = HOUR
    max_uses: Annotated[int, Field(ge=1, le=_MAX_USES), Integer()] = _DEFAULT_USES
    newcomers: NewcomersBody | None = None

    @field_validator("newcomers")
    @classmethod
    def _check_role(cls, value: NewcomersBody | None, info: ValidationInfo) -> NewcomersBody | None:
        if value is not None and info.data.get("role") == "spectator":
            raise PydanticCustomError("not_allowed", "is for the role participant only")
        return value

    def terms(self) -> Terms:
        """Return the terms for the use case."""
        return Terms(self.role, self.expires_in_ms, self.max_uses, self._newcomers())

    def _newcomers(self) -> Newcomers | None:
        if self.newcomers is None:
            return None
        return Newcomers(self.newcomers.total_time_ms, self.newcomers.group_id)


class JoinBody(Body):
    """A code, in upper or lower case, and a free participant, or the name of a new one."""

    code: Annotated[
        str,
        Strict(),
        Field(min_length=1, max_length=_MAX_TYPED, examples=["BCDFGH"]),
    ]
    participant_id: Id | None = None
    name: Name | None = None

    @field_validator("name")
    @classmethod
    def _check_alone(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("participant_id") is not None:
            raise PydanticCustomError("not_allowed", "can't be given together with participant_id")
        return value
