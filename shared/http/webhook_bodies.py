"""Request bodies and queries of webhooks."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, Strict
from pydantic_core import PydanticCustomError

from shared.application.webhook_messages import ALL_EVENTS, EVENT_NAMES
from shared.application.webhook_urls import MAX_URL_LENGTH
from shared.http.request_bodies import Body

_NAMES = (ALL_EVENTS, *EVENT_NAMES)
_MAX_PAGE = 500


def _known_event(name: str) -> str:
    if name not in _NAMES:
        message = "is not an event, such as time.expired; docs/webhooks.md lists them"
        raise PydanticCustomError("invalid_enum", message)
    return name


EventName = Annotated[
    str, Strict(), AfterValidator(_known_event), Field(json_schema_extra={"enum": [*_NAMES]})
]


class WebhookBody(Body):
    """The URL that receives events, and which; `*` stands for all, also future ones."""

    url: Annotated[
        str,
        Strict(),
        Field(
            max_length=MAX_URL_LENGTH,
            json_schema_extra={"format": "uri"},
            examples=["https://example.com/webhooks"],
        ),
    ]
    events: Annotated[
        list[EventName],
        Field(min_length=1, max_length=len(_NAMES), examples=[["time.expired"]]),
    ]

    @property
    def event_names(self) -> tuple[str, ...]:
        """The names, each once."""
        return tuple(dict.fromkeys(self.events))


class DeliveriesQuery(BaseModel):
    """Pagination of the deliveries of a webhook."""

    after: Annotated[
        str | None,
        Field(pattern=r"^\d{1,15}-\d{1,15}-\d{1,4}$", description="`next` of the page before"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=_MAX_PAGE, description="Maximum number")] = 100
