"""The command line of `make launch` and `make destroy`."""

import fcntl
from pathlib import Path

import pytest

from infra.launch import __main__ as command

_LAUNCH = ["launch", "--target", "fly", "--stage", "staging"]


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the journals."""
    monkeypatch.setattr(command, "_JOURNALS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("target", "stage"), [("fly", "prod"), ("lambda", "production")])
def test_a_stage_of_the_other_target_is_refused(
    target: str, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(["launch", "--target", target, "--stage", stage])
    assert f"is not a stage of {target}" in capsys.readouterr().err


def test_a_stage_on_the_other_target_is_refused(
    journals: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (journals / "staging-lambda.json").write_text("{}")
    assert command.main(_LAUNCH) == 1
    assert "staging was launched on lambda" in capsys.readouterr().out


def test_two_launches_of_a_stage_exclude_each_other(
    journals: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (journals / "staging-fly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(_LAUNCH) == 1
    assert "Another launch of this stage is running" in capsys.readouterr().out


def test_destroying_what_was_never_launched_deletes_nothing(
    journals: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["destroy", "--target", "fly", "--stage", "staging"]) == 0
    assert "Nothing to delete" in capsys.readouterr().out
    assert not (journals / "staging-fly.json").exists()
