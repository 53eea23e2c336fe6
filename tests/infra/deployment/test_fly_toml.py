"""`infra/fly.toml` matches Fly's schema and the service's settings, routes and time limits.

The schema was written by hand from Fly's configuration reference.
"""

import copy
import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functions import endpoints
from functions.container import http_server
from infra.deployment import time_budget
from infra.fly_toml import always_running
from shared.settings.settings import Settings

_ROOT = Path(__file__).parents[3]
_FLY = tomllib.loads((_ROOT / "infra" / "fly.toml").read_text())
_SCHEMA = json.loads(Path(__file__).with_name("fly.schema.json").read_text())
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(duration: str) -> float:
    """Convert one of Fly's durations to seconds."""
    return sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)(ms|s|m|h)", duration))


def checks() -> list[dict[str, Any]]:
    """All health checks: those that decide on traffic, then the others."""
    return [*_FLY["http_service"]["checks"], *_FLY["checks"].values()]


def test_it_matches_the_schema() -> None:
    jsonschema.validate(_FLY, _SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("kill_timout",), "30s"),
        (("kill_timeout",), 30),
        (("kill_signal",), "TERM"),
        (("deploy", "strategy"), "slowly"),
        (("deploy", "max_unavailable"), 0),
        (("env", "PORT"), 8080),
        (("env", "port"), "8080"),
        (("http_service", "internal_port"), "8080"),
        (("http_service", "auto_stop_machines"), "sometimes"),
        (("http_service", "concurrency", "type"), "sockets"),
        (("checks", "ready", "interval"), 60),
        (("checks", "ready", "path"), "ready"),
        (("metrics", "port"), 70000),
        (("vm", 0, "memory"), "512"),
        (("vm", 0, "size"), "shared-cpu-3x"),
        (("restart", 0, "policy"), "sometimes"),
    ],
)
def test_the_schema_finds_mistakes(place: tuple[str | int, ...], value: Any) -> None:
    changed: Any = copy.deepcopy(_FLY)
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, _SCHEMA)


def test_every_variable_is_a_valid_setting() -> None:
    variables = {name.lower(): value for name, value in _FLY["env"].items()}
    assert set(variables) <= set(Settings.model_fields)
    Settings.model_validate(
        variables | {"redis_url": "rediss://x", "jwt_secret": "0123456789abcdef" * 2}
    )


def test_ports_are_those_on_which_the_service_listens() -> None:
    port = int(_FLY["env"]["PORT"])
    assert _FLY["http_service"]["internal_port"] == port
    assert [check.get("port", port) for check in checks()] == [port] * len(checks())
    assert _FLY["metrics"] == {"port": int(_FLY["env"]["METRICS_PORT"]), "path": "/metrics"}


def test_checked_paths_are_routes_of_the_service() -> None:
    paths = {route.path for route in endpoints.ROUTES}
    assert {check["path"] for check in checks()} <= paths


def test_only_liveness_decides_on_traffic() -> None:
    assert [check["path"] for check in _FLY["http_service"]["checks"]] == ["/health"]
    assert seconds(_FLY["http_service"]["checks"][0]["interval"]) == 30
    assert seconds(_FLY["checks"]["ready"]["interval"]) == 60


def test_the_kill_timeout_exceeds_the_time_of_a_shutdown() -> None:
    shutdown_s = float(_FLY["env"]["DRAIN_S"]) + http_server.GRACEFUL_SHUTDOWN_S
    assert seconds(_FLY["kill_timeout"]) > shutdown_s + 10


def test_two_machines_always_run_and_others_by_load() -> None:
    service = _FLY["http_service"]
    assert (service["auto_stop_machines"], service["auto_start_machines"]) == ("stop", True)
    assert service["min_machines_running"] == always_running() == 2
    assert service["concurrency"]["type"] == "connections"
    assert service["concurrency"]["soft_limit"] < service["concurrency"]["hard_limit"] <= 2500


@pytest.mark.parametrize(
    ("machines", "rounds"), [(0, 2), (1, 2), (2, 2), (3, 3), (4, 4), (5, 3), (8, 4), (10, 4)]
)
def test_the_budget_of_a_release_grows_with_the_rounds(machines: int, rounds: int) -> None:
    assert time_budget.rounds(machines) == rounds
    assert time_budget.deploy_budget_s(machines) == 180 + 60 * rounds
    assert time_budget.rollback_budget_s(machines) == 60 * rounds


def test_a_round_has_time_to_stop_a_machine_and_to_see_it_healthy() -> None:
    stop_s = seconds(_FLY["kill_timeout"])
    first_check_s = max(seconds(check["grace_period"]) for check in checks())
    assert stop_s + first_check_s < time_budget.rollback_budget_s(2) / 2


def test_the_release_command_exists() -> None:
    program, option, module = _FLY["deploy"]["release_command"].split()
    assert (program, option) == ("python3", "-m")
    assert importlib.util.find_spec(module)
