"""Programmes in request bodies: items, or the name of a preset."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Strict
from pydantic_core import PydanticCustomError

from shared.application.programme_presets import programme_presets
from shared.domain.commands import GoToItem
from shared.domain.programme import Item, ItemKind, OnEnd, Programme
from shared.http.fields import Duration, Id, Name
from shared.http.request_bodies import Body


class ItemBody(Body):
    """An item of a programme. `on_end` says what follows when its clock reaches zero."""

    item_id: Id
    title: Name | None = None
    duration_ms: Duration
    kind: Literal["work", "break"] = "work"
    on_end: Literal["next", "wait"] = "next"

    def item(self) -> Item:
        """Return the item for the domain."""
        return Item(
            item_id=self.item_id,
            duration_ms=self.duration_ms,
            title=self.title,
            kind=ItemKind(self.kind),
            on_end=OnEnd(self.on_end),
        )


class GoBody(Body):
    """The item to begin now."""

    item_id: Id

    def command(self) -> GoToItem:
        return GoToItem(self.item_id)


def _known_name(name: str) -> str:
    if name not in programme_presets():
        message = "is not a known programme: GET /v1/programmes lists them"
        raise PydanticCustomError("invalid_enum", message)
    return name


class _Names:
    """Adds the names of the presets to the JSON Schema, which is seldom asked for."""

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, object]:
        return {"type": "string", "enum": [*programme_presets()]}


ProgrammeName = Annotated[str, Strict(), AfterValidator(_known_name), _Names()]


def programme_of(
    items: list[ItemBody] | None, name: str | None, repeat: int | None
) -> Programme | None:
    """Return the programme of these items, or else the one named; `repeat` replaces the preset's.

    None if neither is given.
    """
    if items is not None:
        return Programme(tuple(body.item() for body in items), repeat or 1)
    if name is None:
        return None
    preset = programme_presets()[name]
    return Programme(preset.items, repeat or preset.repeat)
