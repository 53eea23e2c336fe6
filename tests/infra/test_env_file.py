"""`make run` reads the settings in `.env`, says so, and lets the environment win."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.env_file import load_env_file
from infra.local.instance import environment_without_databases

_ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"PORT": "4000"})


def test_settings_come_from_the_file_unless_the_environment_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("PORT=5000\nREDIS_URL=redis://:hidden@r.example\n")
    load_env_file()
    assert os.environ["PORT"] == "4000"
    assert os.environ["REDIS_URL"] == "redis://:hidden@r.example"
    assert capsys.readouterr() == (f"Settings from {tmp_path}/.env: REDIS_URL\n", "")


def test_a_misspelt_setting_in_the_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("REDIS_UTL=redis://r.example\n")
    load_env_file()
    assert capsys.readouterr().err == (
        ".env: REDIS_UTL is not a setting; did you mean REDIS_URL?\n"
    )


def test_without_the_file_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    load_env_file()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("module", ["infra.local.run", "infra.local.run_functions"])
@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("REDIS_URL=localhost:6379", "REDIS_URL must begin with rediss://"),
        ("CORS_ORIGINS=app.example.org", "CORS_ORIGINS must have a scheme and a host"),
        ("PORT=high", "PORT must be a whole number"),
    ],
)
def test_an_invalid_setting_in_the_file_stops_the_start_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, line: str, fault: str
) -> None:
    monkeypatch.undo()
    (tmp_path / ".env").write_text(f"{line}\n")
    environment = {**environment_without_databases(), "PYTHONPATH": str(_ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", module],
        cwd=tmp_path,
        env={name: value for name, value in environment.items() if name != "PORT"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stdout.startswith(f"Settings from {tmp_path}/.env: ")
    assert ended.stderr.startswith(f"SyncKairos can't start. {fault}")
    assert ended.stderr.count("\n") == 1
