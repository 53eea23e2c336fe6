"""How long a release and a rollback may take, by the number of machines."""

import math

from infra.fly_toml import always_running, fly_toml

_BUILD_S = 180.0
"""Build, migrations and smoke test."""

_ROUND_S = 60.0
"""Replacing some machines at the same time: at most 30 s to stop, then until they are healthy."""


def deploy_budget_s(machines: int) -> float:
    """Return the time limit of a release, in s."""
    return _BUILD_S + _ROUND_S * rounds(machines)


def rollback_budget_s(machines: int) -> float:
    """Return the time limit of a rollback, in s. It builds nothing and runs no migrations."""
    return _ROUND_S * rounds(machines)


def rounds(machines: int) -> int:
    """Return how many times machines are replaced one after the other, at least twice.

    A fraction in `max_unavailable` is a share of the machines, rounded up. An app without machines
    gets those that must always run.
    """
    deploy, count = fly_toml()["deploy"], max(machines, always_running())
    allowed = float(deploy["max_unavailable"])
    at_once = allowed if allowed >= 1 else math.ceil(count * allowed)
    return math.ceil(count / at_once)
