"""Settings of the functions that don't come from a file of variables, but from serverless.yml."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from infra.environment.secret_definitions import all_secrets
from infra.environment.variables import SETTING_NAMES

_TEMPLATE = Path(__file__).parents[2] / "serverless.yml"
_PARAMETER = re.compile(r"\$\{param:(\w+)\}")
_ALTERNATIVE = "SUPABASE_JWT_SECRET"
"""The secret that serverless.yml may name instead of SUPABASE_SIGNING_KEY."""


def undelivered_faults(names: Iterable[str]) -> Iterator[str]:
    """Yield a fault for each setting that wouldn't reach the functions if a file had it.

    Only secrets are stored for the functions; the other settings are parameters of serverless.yml.
    """
    secrets = {secret.name for secret in all_secrets("lambda")} | {_ALTERNATIVE}
    parameters = _parameters()
    for name in sorted(SETTING_NAMES.intersection(names) - secrets):
        if parameter := parameters.get(name):
            where = f"set {parameter} of the stage in serverless.yml"
            yield f"{name} is not stored for functions: {where}"
        else:
            yield f"{name} has no effect on functions: leave it out"


def default_region() -> str:
    """Return the region of the functions if no other one is given."""
    return str(_template()["params"]["default"]["region"])


def reserved_concurrency(stage: str) -> int:
    """Return how many concurrent executions the stage reserves."""
    parameters = _template()["params"].get(stage, {})
    return sum(value for name, value in parameters.items() if name.startswith("reservedFor"))


@cache
def _template() -> dict[str, Any]:
    template: dict[str, Any] = yaml.safe_load(_TEMPLATE.read_text("utf-8"))
    return template


def _parameters() -> dict[str, str]:
    """Return the parameter of serverless.yml behind each variable."""
    variables = _template()["provider"]["environment"]
    found = {name: _PARAMETER.fullmatch(str(value)) for name, value in variables.items()}
    return {name: match[1] for name, match in found.items() if match}
