"""Settings with a name, by which clients can ask for them. They are data in JSON files."""

from pathlib import Path
from typing import Protocol, TypeVar

import msgspec


class Named(Protocol):
    """A preset of any kind."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def read_presets(file: Path, kind: type[T]) -> dict[str, T]:
    """Return the presets of a JSON file by name, in the order of the file."""
    listed: list[T] = msgspec.json.decode(file.read_bytes(), type=list[kind])  # type: ignore[valid-type] # a type at run time
    return {preset.name: preset for preset in listed}
