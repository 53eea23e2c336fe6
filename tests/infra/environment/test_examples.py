"""The example files and docker-compose.yml match the settings."""

from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from infra.environment.secret_definitions import required_secrets
from infra.environment.validation import validate
from infra.environment.variables import SETTING_NAMES, read_variables, unknown_variable_faults

_ROOT = Path(__file__).parents[3]
_LOCAL = _ROOT / ".env.example"
_PRODUCTION = _ROOT / ".env.production.example"
_COMPOSE = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())

_SET_ELSEWHERE = {
    "APP_ENV": "the image",
    "HOST": "the image",
    "PORT": "infra/fly.toml",
    "METRICS_PORT": "infra/fly.toml",
    "DRAIN_S": "infra/fly.toml",
    "TRUSTED_PROXY_HOPS": "infra/fly.toml",
    "ALARM_QUEUE_URL": "serverless.yml",
    "AUDIT_QUEUE_URL": "serverless.yml",
    "LONGEST_ALARM_S": "tests only",
    "PUBSUB": "serverless.yml",
    "AUDIT_WORKER": "only if a separate audit worker runs",
    "RECOVERY": "never in production",
    "AUTH_DISABLED": "local machine only",
    "STORE_SHARDS": "once, before the first session",
}


def names_in(file: Path) -> set[str]:
    """Return the names of all variables in `file`, with or without a value."""
    return set(dotenv_values(file))


def services() -> dict[str, dict[str, Any]]:
    """Return the services of docker-compose.yml by name."""
    return dict(_COMPOSE["services"])


def test_every_setting_is_in_the_production_example_or_set_elsewhere() -> None:
    assert names_in(_PRODUCTION) | set(_SET_ELSEWHERE) == SETTING_NAMES
    assert not names_in(_PRODUCTION) & set(_SET_ELSEWHERE)


def test_the_production_example_lacks_exactly_the_required_secrets() -> None:
    faults = validate(read_variables(_PRODUCTION), "production", "fly").faults
    assert [fault.split()[0] for fault in faults] == [
        secret.name for secret in required_secrets("fly")
    ]


def test_the_local_example_is_valid() -> None:
    variables = read_variables(_LOCAL)
    assert validate(variables, "local", "fly").faults == []
    assert unknown_variable_faults(set(variables)) == []


def test_the_local_example_has_the_addresses_of_the_compose_services() -> None:
    variables = read_variables(_LOCAL)
    password = variables["POSTGRES_PASSWORD"]
    database = services()["postgres"]["environment"]["POSTGRES_DB"]
    assert variables["REDIS_URL"] == "redis://redis:6379/0"
    assert variables["DATABASE_URL"] == f"postgresql://postgres:{password}@postgres:5432/{database}"


def test_compose_holds_no_secret_and_limits_the_rights_of_its_services() -> None:
    assert services()["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${")
    for service in services().values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["cap_drop"] == ["ALL"]
        assert service["mem_limit"]


def test_compose_pins_the_images_that_it_fetches() -> None:
    fetched = [one["image"] for one in services().values() if "build" not in one]
    for image in fetched:
        assert any(part.isdigit() for part in image.partition(":")[2].replace("-", ".").split("."))
        assert "latest" not in image


def test_compose_starts_services_after_those_that_they_need() -> None:
    conditions = {
        name: {of: wait["condition"] for of, wait in one.get("depends_on", {}).items()}
        for name, one in services().items()
    }
    assert conditions["app"] == {
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert conditions["migrate"] == {"postgres": "service_healthy"}
    assert "noeviction" in services()["redis"]["command"]
    assert services()["redis"]["command"][1:3] == ["--appendonly", "yes"]


def test_compose_sets_only_settings_of_the_service() -> None:
    for name in ("app", "migrate"):
        assert set(services()[name]["environment"]) <= SETTING_NAMES
