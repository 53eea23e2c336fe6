"""`validate-env` reports all faults of a set of variables, and shows no secret."""

from pathlib import Path

import pytest

from infra.environment.__main__ import main
from infra.environment.secret_definitions import Target, required_secrets
from infra.environment.validation import validate
from infra.environment.variables import EnvFileError, read_variables
from tests.infra.environment.variables import FUNCTIONS, PRODUCTION, lines
from tests.support import commands

_TARGETS: list[tuple[Target, dict[str, str]]] = [("fly", PRODUCTION), ("lambda", FUNCTIONS)]


def test_a_valid_file_is_confirmed(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(lines(PRODUCTION))
    result = commands.run_script("validate-env", file)
    assert (result.returncode, result.stdout) == (0, "✓ 5 variables, valid for production\n")


def test_without_a_file_the_environment_is_checked() -> None:
    assert commands.run_main(main, **PRODUCTION).returncode == 0
    assert "REDIS_URL is missing" in commands.run_main(main).stdout


def test_a_relative_path_starts_at_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.env").write_text(lines(PRODUCTION))
    assert commands.run_script_in(tmp_path, "validate-env", "mine.env").returncode == 0


def test_a_missing_file_is_reported_in_one_line() -> None:
    result = commands.run_main(main, "/nowhere/.env")
    assert (result.returncode, result.stdout) == (1, "There is no file /nowhere/.env\n")


@pytest.mark.parametrize(("target", "good"), _TARGETS)
@pytest.mark.parametrize("stage", ["staging", "production"])
def test_valid_variables_of_a_target_have_no_faults(
    stage: str, target: Target, good: dict[str, str]
) -> None:
    found = validate(good, stage, target)
    assert (found.faults, found.warnings) == ([], [])


@pytest.mark.parametrize(("target", "good"), _TARGETS)
def test_each_missing_secret_is_named_once_with_how_to_get_it(
    target: Target, good: dict[str, str]
) -> None:
    for secret in required_secrets(target):
        remaining = {name: value for name, value in good.items() if name != secret.name}
        about = [f for f in validate(remaining, "production", target).faults if secret.name in f]
        assert len(about) == 1
        assert secret.how in about[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"REDIS_URI": "x"}, "REDIS_URI is not a setting; did you mean REDIS_URL?"),
        ({"ZZZ": "x"}, "ZZZ is not a setting"),
        ({"PORT": "high"}, 'PORT must be a whole number, not "high"'),
        ({"LOG_LEVEL": "LOUD"}, 'LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not "LOUD"'),
        ({"METRICS_TOKEN": "change-me-please-now"}, "METRICS_TOKEN is a placeholder"),
        ({"JWT_SECRET": "short"}, "JWT_SECRET must be at least 32 bytes"),
        ({"AUTH_DISABLED": "true"}, "AUTH_DISABLED can't be true"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql"),
        ({"REDIS_URL": "https://x"}, "REDIS_URL must begin with rediss://"),
        ({"REDIS_URL": "rediss://x:port"}, "REDIS_URL must have hosts like host:6379"),
        ({"REDIS_URL": "rediss://default:PASSWORD@HOST:6379"}, "REDIS_URL still contains"),
        ({"DATABASE_URL": "postgresql://a:[YOUR-PASSWORD]@h/x"}, "DATABASE_URL still contains"),
        ({"JWT_JWKS_URL": "http://x"}, "JWT_JWKS_URL must begin with https://"),
        ({"METRICS_PORT": "9000"}, "METRICS_PORT is 9091 in infra/fly.toml"),
    ],
)
def test_each_fault_is_named(change: dict[str, str], message: str) -> None:
    faults = validate(PRODUCTION | change, "production", "fly").faults
    assert [fault for fault in faults if message in fault] == faults != []


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CORS_ORIGINS", "https://a.example", "set corsOrigins of the stage in serverless.yml"),
        ("EMBED_ORIGINS", "https://a.example", "set embedOrigins of the stage in serverless.yml"),
        ("JWT_JWKS_URL", "https://a.example/keys", "set jwksUrl of the stage in serverless.yml"),
        ("RATE_LIMIT_GENERAL", "7", "set rateLimit of the stage in serverless.yml"),
        ("LOG_LEVEL", "INFO", "set logLevel of the stage in serverless.yml"),
        ("PORT", "3000", "PORT has no effect on functions"),
    ],
)
def test_a_setting_that_would_not_reach_the_functions_is_a_fault(
    name: str, value: str, fault: str
) -> None:
    (found,) = validate(FUNCTIONS | {name: value}, "production", "lambda").faults
    assert name in found
    assert fault in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"LOG_LEVEL": "DEBUG"}, "LOG_LEVEL"),
        ({"RATE_LIMIT_GENERAL": "0"}, "RATE_LIMIT_GENERAL"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS"),
        ({"EMBED_ORIGINS": "*"}, "EMBED_ORIGINS"),
        ({"RECOVERY": "off"}, "RECOVERY"),
        ({"REDIS_URL": "redis://x"}, "without TLS"),
        ({"REDIS_URL": "redis+sentinel://x/primary"}, "without TLS"),
        ({"TRUSTED_PROXY_HOPS": "0"}, "TRUSTED_PROXY_HOPS"),
        ({"NODE_ENV": "production"}, "NODE_ENV is ignored"),
        ({"SUPABASE_ANON_KEY": "eyJ"}, "SUPABASE_ANON_KEY is ignored"),
    ],
)
def test_a_risky_value_gives_a_warning(change: dict[str, str], message: str) -> None:
    found = validate(PRODUCTION | change, "production", "fly")
    assert found.faults == []
    assert [message in warning for warning in found.warnings] == [True]


def test_no_secret_is_shown() -> None:
    broken = {name: f"{value}\u00a0!" for name, value in PRODUCTION.items()}
    result = commands.run_main(main, **broken | {"PORT": "x", "AUTH_DISABLED": "true"})
    assert result.returncode == 1
    for value in PRODUCTION.values():
        assert value not in result.stdout or len(value) < 5


def test_quotes_comments_and_export_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nexport JWT_SECRET=\"a b\"  # why\nPORT=\nLOG_LEVEL='INFO'\n")
    assert read_variables(file) == {"JWT_SECRET": "a b", "LOG_LEVEL": "INFO"}


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(EnvFileError, match="can't be read"):
        read_variables(file)


def test_help_exits_with_0() -> None:
    result = commands.run_main(main, "--help")
    assert result.returncode == 0
    assert "can run" in result.stdout
