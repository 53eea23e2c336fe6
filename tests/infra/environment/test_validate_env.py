"""`validate-env` says all that is wrong with some variables, and repeats no secret."""

from pathlib import Path

import pytest

from infra.environment.__main__ import main
from infra.environment.secret_definitions import Target, required_secrets
from infra.environment.validation import validate
from infra.environment.variables import EnvFileError, read_variables
from tests.infra.environment.variables import FUNCTIONS, PRODUCTION, lines
from tests.support import commands

_PLACES: list[tuple[Target, dict[str, str]]] = [("fly", PRODUCTION), ("lambda", FUNCTIONS)]


def test_a_file_that_is_good_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(lines(PRODUCTION))
    ended = commands.run_script("validate-env", file)
    assert (ended.returncode, ended.stdout) == (0, "✓ 5 variables, valid for production\n")


def test_without_a_file_it_looks_at_the_environment() -> None:
    assert commands.run_main(main, **PRODUCTION).returncode == 0
    assert "REDIS_URL is missing" in commands.run_main(main).stdout


def test_a_file_relative_to_where_one_is_is_found(tmp_path: Path) -> None:
    (tmp_path / "mine.env").write_text(lines(PRODUCTION))
    assert commands.run_script_in(tmp_path, "validate-env", "mine.env").returncode == 0


def test_a_file_that_is_not_there_is_a_sentence() -> None:
    ended = commands.run_main(main, "/nowhere/.env")
    assert (ended.returncode, ended.stdout) == (1, "There is no file /nowhere/.env\n")


@pytest.mark.parametrize(("target", "good"), _PLACES)
@pytest.mark.parametrize("stage", ["staging", "production"])
def test_what_is_good_for_a_place_has_no_faults(
    stage: str, target: Target, good: dict[str, str]
) -> None:
    found = validate(good, stage, target)
    assert (found.faults, found.warnings) == ([], [])


@pytest.mark.parametrize(("target", "good"), _PLACES)
def test_each_secret_that_is_missing_is_named_once_with_how_to_get_it(
    target: Target, good: dict[str, str]
) -> None:
    for secret in required_secrets(target):
        left = {name: value for name, value in good.items() if name != secret.name}
        about = [f for f in validate(left, "production", target).faults if secret.name in f]
        assert len(about) == 1
        assert secret.how in about[0]


@pytest.mark.parametrize(
    ("change", "said"),
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
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], said: str) -> None:
    faults = validate(PRODUCTION | change, "production", "fly").faults
    assert [fault for fault in faults if said in fault] == faults != []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"LOG_LEVEL": "DEBUG"}, "LOG_LEVEL"),
        ({"RATE_LIMIT_GENERAL": "0"}, "RATE_LIMIT_GENERAL"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS"),
        ({"RECOVERY": "off"}, "RECOVERY"),
        ({"REDIS_URL": "redis://x"}, "without TLS"),
        ({"REDIS_URL": "redis+sentinel://x/primary"}, "without TLS"),
        ({"TRUSTED_PROXY_HOPS": "0"}, "TRUSTED_PROXY_HOPS"),
        ({"NODE_ENV": "production"}, "NODE_ENV is ignored"),
        ({"SUPABASE_ANON_KEY": "eyJ"}, "SUPABASE_ANON_KEY is ignored"),
    ],
)
def test_what_is_rarely_meant_is_said_and_let_pass(change: dict[str, str], said: str) -> None:
    found = validate(PRODUCTION | change, "production", "fly")
    assert found.faults == []
    assert [said in warning for warning in found.warnings] == [True]


def test_no_secret_is_repeated() -> None:
    broken = {name: f"{value}\u00a0!" for name, value in PRODUCTION.items()}
    ended = commands.run_main(main, **broken | {"PORT": "x", "AUTH_DISABLED": "true"})
    assert ended.returncode == 1
    for value in PRODUCTION.values():
        assert value not in ended.stdout or len(value) < 5


def test_quotes_and_comments_are_those_of_such_files(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nexport JWT_SECRET=\"a b\"  # why\nPORT=\nLOG_LEVEL='INFO'\n")
    assert read_variables(file) == {"JWT_SECRET": "a b", "LOG_LEVEL": "INFO"}


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(EnvFileError, match="can't be read"):
        read_variables(file)


def test_help_explains_it() -> None:
    ended = commands.run_main(main, "--help")
    assert ended.returncode == 0
    assert "can run" in ended.stdout
