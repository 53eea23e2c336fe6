"""`infra/fly.toml`: the configuration of the app on Fly.io."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FLY_TOML = Path(__file__).with_name("fly.toml")


@cache
def fly_toml() -> dict[str, Any]:
    """Return the content of the file."""
    return tomllib.loads(FLY_TOML.read_text("utf-8"))


def always_running() -> int:
    """Return how many machines Fly never stops."""
    return int(fly_toml()["http_service"]["min_machines_running"])
