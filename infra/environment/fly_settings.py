"""Variables of a file that wouldn't reach the app on Fly.io, or would replace those of fly.toml."""

from collections.abc import Iterable, Iterator, Mapping

from infra.environment.variables import SETTING_NAMES, is_known
from infra.fly_toml import fly_toml

_MAY_DIFFER = {"TRUSTED_PROXY_HOPS"}
"""Behind another proxy there are more."""


def conflicting_faults(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a fault for each variable to which fly.toml gives another value.

    A secret of the app would win, and the ports and checks in fly.toml would no longer fit.
    """
    fixed: dict[str, str] = fly_toml()["env"]
    for name in sorted((variables.keys() & fixed) - _MAY_DIFFER):
        if variables[name] != fixed[name]:
            yield f"{name} is {fixed[name]} in infra/fly.toml: leave it out, or change it there"


def undelivered_faults(names: Iterable[str]) -> Iterator[str]:
    """Yield a fault for each known variable that `secrets` wouldn't set."""
    for name in sorted(names):
        if is_known(name) and not (name in SETTING_NAMES or name.startswith("OTEL_")):
            yield f"{name} would not reach the app: leave it out"
