"""Variables of a file that wouldn't reach the app on Fly.io, or would replace those of fly.toml."""

from collections.abc import Iterator, Mapping

from infra.environment.variables import SETTING_NAMES
from infra.fly_toml import fly_toml

_MAY_DIFFER = {"TRUSTED_PROXY_HOPS"}
"""Behind another proxy there are more."""


def is_delivered(name: str) -> bool:
    """Return whether `secrets` sets the variable on the app."""
    return name in SETTING_NAMES or name.startswith("OTEL_")


def conflicting_faults(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a fault for each variable to which fly.toml gives another value.

    A secret of the app would win, and the ports and checks in fly.toml would no longer fit.
    """
    fixed: dict[str, str] = fly_toml()["env"]
    for name in sorted((variables.keys() & fixed) - _MAY_DIFFER):
        if variables[name] != fixed[name]:
            yield f"{name} is {fixed[name]} in infra/fly.toml: leave it out, or change it there"


def undelivered_faults(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a fault for each variable that `secrets` wouldn't set."""
    for name in sorted(variables):
        if not is_delivered(name):
            yield f"{name} would not reach the app: leave it out"
