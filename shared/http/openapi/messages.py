"""Models of the pushed messages for the AsyncAPI document; tests check real messages with them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shared.domain.events import EventType
from shared.http.fields import Id, Uuid
from shared.http.openapi.models import (
    AppliedAction,
    EpochMs,
    Ms,
    Presence,
    ResponseModel,
    Session,
    omittable,
)


class _OfSession(ResponseModel):
    """A message about a session; `test` marks those of test sessions."""

    session_id: Annotated[Uuid, Field(alias="sessionId")]
    timestamp: EpochMs
    test: Literal[True] = omittable()


class _OfClock(_OfSession):
    """A message about one clock: that of a participant, of a group, or of the session."""

    participant_id: Id = omittable()
    group_id: Id = omittable()


class Connected(_OfSession):
    """A WebSocket or event stream is open."""

    type: Literal["CONNECTED"]


class StateUpdate(_OfSession):
    """The session has changed.

    A message without a state has the version in its place. Then the state is that of the version
    before with the difference; without a difference, read it. Supabase Realtime gets no larger
    states, and clients that ask for differences get no states that they can calculate.
    """

    type: Literal["STATE_UPDATE"]
    state: Session = omittable()
    version: Annotated[int, Field(ge=1)] = omittable()
    difference: dict[str, Any] = omittable()
    cause: EventType


class StateSync(_OfSession):
    """The current state, because the client asked for it or may have missed a message."""

    type: Literal["STATE_SYNC"]
    state: Session = omittable()
    version: Annotated[int, Field(ge=1)] = omittable()


class TimeExpired(_OfClock):
    """A clock has reached zero. The `STATE_UPDATE` of that follows."""

    type: Literal["TIME_EXPIRED"]
    deadline_ms: EpochMs
    action_applied: AppliedAction


class TimeWarning(_OfClock):
    """A clock has passed a threshold; with `before`, so has the time until `start_at`."""

    type: Literal["TIME_WARNING"]
    time_remaining_ms: Ms
    threshold_ms: int
    over_ms: Ms = omittable()
    before: Literal["start"] = omittable()


class PeriodEnded(_OfClock):
    """A period of overtime was used up, and others are left."""

    type: Literal["PERIOD_ENDED"]
    periods_left: Annotated[int, Field(ge=1)]
    ended_ms: EpochMs


class SessionDeleted(_OfSession):
    """The session was deleted. Nothing follows."""

    type: Literal["SESSION_DELETED"]


class PresenceChanged(_OfSession):
    """The live connections have changed. Only clients that ask for it get it."""

    type: Literal["PRESENCE"]
    presence: Presence


class Pong(_OfSession):
    """The answer to a `PING`; `version` is the newest one that was sent to this client."""

    type: Literal["PONG"]
    version: Annotated[int, Field(ge=1)] = omittable()
    client_timestamp: Annotated[Any, Field(alias="clientTimestamp")] = omittable()


class Authenticated(ResponseModel):
    """The answer to an `AUTHENTICATE` with a valid token."""

    type: Literal["AUTHENTICATED"]
    timestamp: EpochMs
    expires_at_ms: EpochMs | None


class ErrorMessage(ResponseModel):
    """Something that the client asked for can't be done.

    A socket gets it for a message that can't be handled, and stays open. An event stream gets it as
    its last message when the token has expired or was revoked (`UNAUTHENTICATED`). Both get it when
    the caller may not read the presence (`FORBIDDEN`), and go on with all other messages.
    """

    type: Literal["ERROR"]
    timestamp: EpochMs
    code: str
    message: str


class Ping(BaseModel):
    """Ask for a `PONG`. `clientTimestamp` comes back as it is; the rest is for the presence."""

    type: Literal["PING"]
    client_timestamp: Annotated[Any, Field(alias="clientTimestamp")] = omittable()
    round_trip_ms: Ms = omittable()
    error_ms: Ms = omittable()


class Reconnect(BaseModel):
    """Ask for a `STATE_SYNC`."""

    type: Literal["RECONNECT"]


class Authenticate(BaseModel):
    """Go on with a new token of the same caller, before the old one expires."""

    type: Literal["AUTHENTICATE"]
    token: str


Message = type[BaseModel]

PUSHES: tuple[Message, ...] = (
    StateUpdate,
    StateSync,
    TimeExpired,
    TimeWarning,
    PeriodEnded,
    SessionDeleted,
)
"""Messages of a session, the same on every transport."""
STREAM: tuple[Message, ...] = (Connected, *PUSHES, PresenceChanged, ErrorMessage)
SOCKET: tuple[Message, ...] = (*STREAM, Pong, Authenticated)
FROM_CLIENTS: tuple[Message, ...] = (Ping, Reconnect, Authenticate)
