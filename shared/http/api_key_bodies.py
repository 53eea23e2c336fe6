"""Request body of API keys."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from shared.domain.units import Instant
from shared.http.fields import Name, rfc_3339_instant
from shared.http.request_bodies import Body

Expiry = Annotated[
    Instant,
    BeforeValidator(rfc_3339_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "In the future"}),
]


class ApiKeyBody(Body):
    """What a new key may do.

    `subject` is what `sub` is in tokens: keys of hosts with the same one own the same sessions. By
    default each key has its own.
    """

    name: Annotated[Name, Field(examples=["Match server"])]
    role: Literal["service", "host"]
    subject: Annotated[
        str | None,
        Strict(),
        Field(pattern=r"^[\x21-\x7e]{1,255}$", json_schema_extra={"maxLength": 255}),
    ] = None
    expires_at: Expiry | None = None
