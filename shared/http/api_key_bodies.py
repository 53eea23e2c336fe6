"""Request body of API keys."""

from typing import Annotated

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from shared.application.ports.api_keys import ApiKeyRole
from shared.auth.claims import SUBJECT
from shared.domain.units import Instant
from shared.http.fields import Name, rfc_3339_instant
from shared.http.request_bodies import Body

Expiry = Annotated[
    Instant,
    BeforeValidator(rfc_3339_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "In the future"}),
]


class ApiKeyBody(Body):
    """The name, role, owner and expiry of a new key.

    `subject` has the meaning of the claim `sub` of tokens: keys of hosts with the same subject own
    the same sessions. By default each key has a subject of its own.
    """

    name: Annotated[Name, Field(examples=["Match server"])]
    role: ApiKeyRole
    subject: Annotated[
        str | None,
        Strict(),
        Field(pattern=f"^{SUBJECT.pattern}$", json_schema_extra={"maxLength": 255}),
    ] = None
    expires_at: Expiry | None = None
