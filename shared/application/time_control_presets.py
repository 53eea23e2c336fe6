"""Named time controls, for clients that ask for one by name. They are data in a JSON file."""

from functools import cache
from pathlib import Path

import msgspec

from shared.application.presets import read_presets
from shared.domain.time_control import TimeControl
from shared.domain.units import Millis

_FILE = Path(__file__).with_suffix(".json")


class Preset(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A time control with its name, and the bank with which each participant or group begins."""

    name: str
    title: str
    game: str
    total_time_ms: Millis
    time_control: TimeControl


@cache
def presets() -> dict[str, Preset]:
    """Return all presets by name, in the order of the file."""
    return read_presets(_FILE, Preset)


def preset_named(name: str) -> Preset | None:
    """Return the preset with this name; None if there is none."""
    return presets().get(name)
