"""Named programmes, for clients that ask for one by name. They are data in a JSON file."""

from functools import cache
from pathlib import Path

import msgspec

from shared.application.presets import read_presets
from shared.domain.programme import Item

_FILE = Path(__file__).with_suffix(".json")


class ProgrammePreset(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A programme with its name."""

    name: str
    title: str
    use: str
    items: tuple[Item, ...]
    repeat: int = 1


@cache
def programme_presets() -> dict[str, ProgrammePreset]:
    """Return all named programmes, in the order of the file."""
    return read_presets(_FILE, ProgrammePreset)
