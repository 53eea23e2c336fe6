"""`make run` and the history command: history works out of the box."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, CompletedProcess
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.local.instance import environment_without_databases
from infra.local.ports import free_port
from tests.support.api import chess

_ROOT = Path(__file__).parents[2]


def history(*arguments: str, **more: str) -> CompletedProcess[str]:
    """The history command."""
    command = [sys.executable, "-m", "infra.history", *arguments]
    return subprocess.run(
        command,
        cwd=_ROOT,
        env=environment_without_databases() | more,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.fixture(scope="module")
def greeting() -> Iterator[str]:
    """What `make run` says, while it runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "infra.local.run"],
        cwd=_ROOT,
        env=environment_without_databases() | {"PORT": str(free_port())},
        stdout=PIPE,
        text=True,
    ) as process:
        assert process.stdout
        said = process.stdout.readline() + process.stdout.readline()
        yield said
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    (database,) = re.findall(r"postgresql://\S+", said)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database, connect_timeout=2)


def test_a_game_s_story_is_there_to_be_read(greeting: str) -> None:
    (url,) = re.findall(r"http://\S+", greeting)
    (database,) = re.findall(r"postgresql://\S+", greeting)
    session_id = str(uuid4())
    with httpx.Client(base_url=f"{url}/v1/sessions/") as http:
        http.post(url + "/v1/sessions", json=chess(session_id=session_id))
        for verb in ("start", "switch", "pause"):
            assert http.post(f"{session_id}/{verb}").status_code == 200
        paused = http.get(session_id).json()["data"]
        while len(http.get(f"{session_id}/events").json()["data"]["events"]) < 4:
            pass
    shown = history(session_id, DATABASE_URL=database)
    assert (shown.returncode, shown.stderr) == (0, "")
    rows = [line for line in shown.stdout.splitlines() if line.startswith("│")]
    columns = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]
    assert [row[0] for row in columns] == ["1", "2", "3", "4"]
    assert [row[2] for row in columns] == [
        "session_created",
        "session_started",
        "cycle_switched",
        "session_paused",
    ]
    assert columns[3][1] == paused["updated_at"][11:23]
    first, second = (p["time_remaining_ms"] for p in paused["participants"])
    assert columns[3][6] == f"#0 {reading(first)}   #1 {reading(second)}"
    assert columns[1][6] == "#0 1:00.000 <   #1 1:00.000"


def reading(ms: int) -> str:
    """A clock under an hour."""
    return f"{ms // 60_000}:{ms % 60_000 / 1000:06.3f}"


@pytest.mark.parametrize(
    ("arguments", "url", "sentence"),
    [
        ((str(uuid4()),), None, "No audit trail is configured: "),
        (
            (str(uuid4()),),
            "postgresql://postgres@127.0.0.1:9/postgres",
            "The audit trail can't be reached right now",
        ),
    ],
)
def test_what_keeps_a_story_from_being_told_is_said(
    arguments: tuple[str, ...], url: str | None, sentence: str
) -> None:
    failed = history(*arguments, **({"DATABASE_URL": url} if url else {}))
    assert (failed.returncode, failed.stderr) == (1, "")
    assert failed.stdout.startswith(sentence)
    assert failed.stdout.count("\n") == 1


def test_a_session_that_never_was_has_no_story(greeting: str) -> None:
    (database,) = re.findall(r"postgresql://\S+", greeting)
    stranger = str(uuid4())
    failed = history(stranger, DATABASE_URL=database)
    assert (failed.returncode, failed.stdout) == (
        1,
        f"The audit trail has no session {stranger}.\n",
    )


def test_what_is_no_session_id_is_refused() -> None:
    failed = history("my-game")
    assert failed.returncode == 2
    assert "SESSION_ID" in failed.stderr
