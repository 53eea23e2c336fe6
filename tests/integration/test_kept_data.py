"""`make run` keeps its data between runs, also if it is killed; `make clean-data` deletes them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, CompletedProcess
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.instance import environment_without_databases
from infra.local.ports import free_port
from tests.support.api import chess

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for the data; short, and open to the account under which root runs Postgres."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name) / "data"


def environment(folder: Path) -> dict[str, str]:
    own = {"PORT": str(free_port()), "DATA_DIR": str(folder)}
    return environment_without_databases() | own


def run_to_its_end(module: str, folder: Path) -> CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=_ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def make_run(folder: Path, ended_by: signal.Signals = signal.SIGINT) -> Iterator[tuple[str, str]]:
    """Run the service until the end of the block; yield its URL and what it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "infra.local.run"],
        cwd=_ROOT,
        env=environment(folder),
        stdout=PIPE,
        text=True,
    ) as process:
        assert process.stdout
        output = "".join(process.stdout.readline() for _ in range(3))
        try:
            yield re.findall(r"http://\S+", output)[0], output
        finally:
            process.send_signal(ended_by)
            process.wait(30)


def clean(folder: Path) -> CompletedProcess[str]:
    return run_to_its_end("infra.local.data_folder", folder)


def session_at(url: str, session_id: str) -> Any:
    return httpx.get(f"{url}/v1/sessions/{session_id}", timeout=30).raise_for_status().json()


def versions(url: str, session_id: str) -> list[int]:
    """Return the versions in the session's trail."""
    answer = httpx.get(f"{url}/v1/sessions/{session_id}/events", timeout=30).raise_for_status()
    return [event["version"] for event in answer.json()["data"]["events"]]


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
def test_the_next_run_goes_on_with_all_sessions_and_their_trail(
    folder: Path, ended_by: signal.Signals
) -> None:
    session_id = str(uuid4())
    with make_run(folder, ended_by) as (url, output):
        assert f"Data: {folder}, kept for the next run" in output
        httpx.post(f"{url}/v1/sessions", json=chess(session_id=session_id), timeout=30)
        for verb in ("start", "switch", "pause"):
            answer = httpx.post(f"{url}/v1/sessions/{session_id}/{verb}", timeout=30)
            assert answer.status_code == 200
        paused = session_at(url, session_id)["data"]
    with make_run(folder) as (url, _):
        found = session_at(url, session_id)["data"]
        fixed = ("status", "version", "participants", "updated_at")
        assert [found[name] for name in fixed] == [paused[name] for name in fixed]
        assert httpx.post(f"{url}/v1/sessions/{session_id}/resume", timeout=30).status_code == 200
        while len(versions(url, session_id)) < 5:
            pass
        assert versions(url, session_id) == [1, 2, 3, 4, 5]
    assert clean(folder).stdout == f"Deleted {folder}.\n"
    assert not folder.exists()


def test_data_in_use_are_neither_shared_nor_deleted(folder: Path) -> None:
    with make_run(folder) as (url, _):
        for module in ("infra.local.run", "infra.local.data_folder"):
            refused = run_to_its_end(module, folder)
            assert refused.returncode == 1
            assert refused.stderr.startswith(f"Another `make run` uses {folder}. Stop it first")
            assert refused.stderr.count("\n") == 1
        assert httpx.get(f"{url}/ready", timeout=30).status_code == 200


@pytest.mark.parametrize("written", ['{"format": 0, "postgres": 18, "migration": "1"}', "{"])
def test_data_of_another_version_are_refused_with_a_sentence(folder: Path, written: str) -> None:
    folder.mkdir()
    (folder / "format.json").write_text(written)
    refused = run_to_its_end("infra.local.run", folder)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"The data in {folder} are of another version")
    assert "make clean-data" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_data_of_a_newer_release_are_refused(folder: Path) -> None:
    folder.mkdir()
    newer = {"format": 1, "postgres": 18, "migration": "99991231235959_of_tomorrow"}
    (folder / "format.json").write_text(json.dumps(newer))
    refused = run_to_its_end("infra.local.run", folder)
    assert refused.stderr.startswith(f"The data in {folder} are of another version")


def test_other_files_are_neither_mixed_with_data_nor_deleted(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    refused = run_to_its_end("infra.local.run", folder)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{folder} has other files")
    assert clean(folder).stdout == f"There are no data in {folder}.\n"
    assert (folder / "thesis.txt").exists()


def test_data_that_redis_can_not_read_are_told_with_a_sentence(folder: Path) -> None:
    with make_run(folder):
        pass
    (manifest,) = (folder / "redis" / "appendonlydir").glob("*.manifest")
    manifest.write_text("nonsense\n")
    refused = run_to_its_end("infra.local.run", folder)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"The data in {folder} can't be used. Valkey doesn't start")
    assert "make clean-data" in refused.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_told_with_a_sentence(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    refused = run_to_its_end("infra.local.run", folder / "data")
    assert refused.stderr.startswith("Can't write to")
