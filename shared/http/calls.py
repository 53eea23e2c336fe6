"""What endpoints are handed: the service, and a change with its headers read."""

from collections.abc import Callable
from hashlib import sha256
from secrets import token_hex
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Path, Request, Response

from shared.domain.commands import Command, Create
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.drafts import Request as ChangeRequest
from shared.errors import IdempotencyKeyReused
from shared.http import strict_json
from shared.http.answers import Wording, respond, whole_session
from shared.http.errors import request_id_of
from shared.http.fields import Uuid
from shared.http.gate import permit_of
from shared.http.preconditions import tags_in
from shared.ports import IdempotencyKey, Origin
from shared.session_service import SessionService
from shared.slices import LARGE_BYTES, next_slice

SessionId = Annotated[Uuid, Path(description="The session's UUID")]
ParticipantId = Annotated[Uuid, Path(description="The participant's UUID")]


_FINGERPRINT_LENGTH = 32
"""Hexadecimal digits, so 128 bits."""


class Call:
    """One request that the gate has let in, and the service that answers it.

    Reads make it themselves, for a dependency costs as much as the rest of their work.
    """

    def __init__(self, request: Request) -> None:
        self._http = request
        self.service: SessionService = request.app.state.service
        self.permit = permit_of(request)

    async def session(self, session_id: str) -> tuple[Session, Instant]:
        """The session and the instant at which it was read. Raises `SessionNotFound`."""
        return await self.service.read(self.permit, session_id)

    async def sessions(self, session_ids: list[str]) -> list[tuple[Session, Instant] | None]:
        """The sessions in the order asked for, each with the instant at which it was read.

        None stands for one that is not there.
        """
        return await self.service.read_many(self.permit, session_ids)


class ChangeCall(Call):
    """One request that may carry `If-Match` and `Idempotency-Key`."""

    def __init__(self, request: Request, key: str | None = None) -> None:
        super().__init__(request)
        self._key = key

    async def create(
        self, session_id: str | None, spec: Callable[[str], Create], wording: Wording
    ) -> Response:
        """Create the session that `spec` describes, with an id of ours if it has none."""
        key = self._own_key
        scope = key and self.service.creation_scope(self.permit, key, session_id)
        named = session_id or self.service.new_session_id(self.permit, scope)
        change = await self._request(scope or named)
        is_new_id = session_id is None
        outcome = await self.service.create(self.permit, spec(named), change, is_new_id=is_new_id)
        return respond(outcome, wording)

    async def apply(
        self, session_id: str, command: Command, wording: Wording = whole_session
    ) -> Response:
        """Apply `command` to the session."""
        change = await self._request(self.permit.name_of(session_id))
        outcome = await self.service.change(self.permit, session_id, command, change)
        return respond(outcome, wording)

    async def first_try(self, scope: str, facts: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The `facts` of the first try under the request's key, and whether it was an earlier one.

        For an endpoint that changes no session: `facts` are all that it takes to give the same
        answer again. They are kept for 24 h in `scope`, and not at all without a key. Raises
        `IdempotencyKeyReused`.
        """
        if (own_key := self._own_key) is None:
            return facts, False
        fingerprint = await self._fingerprint()
        own = {"try": token_hex(8), "fingerprint": fingerprint, "facts": facts}
        record = msgspec.json.encode(own)
        kept = await self.service.remember(IdempotencyKey(scope, own_key, fingerprint), record)
        first = msgspec.json.decode(kept)
        if first["fingerprint"] != fingerprint:
            raise IdempotencyKeyReused
        return first["facts"], kept != record

    @property
    def _own_key(self) -> str | None:
        """The key as this caller's: what another sends is another one.

        Names and keys may hold any sign between them, so a length says where the name ends.
        """
        name = self.permit.caller.name
        return self._key and f"{len(name)}:{name}:{self._key}"

    async def _request(self, scope: str) -> ChangeRequest:
        origin = Origin(self.permit.caller.actor, request_id_of(self._http))
        key = None
        if (own_key := self._own_key) is not None:
            key = IdempotencyKey(scope, own_key, await self._fingerprint())
        return ChangeRequest(origin, tags_in(self._http.headers.getlist("if-match")), key)

    async def _fingerprint(self) -> str:
        """Tells requests apart that share a key; no body, `{}` and `null` are the same."""
        body = await self._http.body()
        if len(body) > LARGE_BYTES:
            await next_slice()
        try:
            value = strict_json.parse(body) if body else None
            written = msgspec.json.encode(value or None, order="deterministic")
        except ValueError:
            written = body  # of an endpoint that takes none, and so has not looked at it
        line = f"{self._http.method} {self._http.scope['path'].lower()} ".encode()
        return sha256(line + written).hexdigest()[:_FINGERPRINT_LENGTH]


_Tags = Annotated[
    str | None,
    Header(alias="If-Match", description='Change only this version, e.g. `"7"`; else a 412.'),
]
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes a retry harmless for 24 h: it gets the first answer again.",
    ),
]


IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description='304 if this is still the version, e.g. `"7"`.'),
]
"""For the document: the endpoint reads the header fields from the request itself."""


async def change_call(
    request: Request, _: _Tags = None, idempotency_key: _Key = None
) -> ChangeCall:
    """The call of an endpoint that changes a session.

    One dependency, and a coroutine: FastAPI would run a plain function in a thread of its own.
    """
    return ChangeCall(request, idempotency_key)


async def keyed_call(request: Request, idempotency_key: _Key = None) -> ChangeCall:
    """The call of an endpoint that takes an `Idempotency-Key`, and has no version to match."""
    return ChangeCall(request, idempotency_key)


Change = Annotated[ChangeCall, Depends(change_call)]
KeyedCall = Annotated[ChangeCall, Depends(keyed_call)]
