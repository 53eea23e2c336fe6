"""`make run` records an audit trail, which the history command shows."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, CompletedProcess
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.local.instance import environment_without_databases
from infra.local.ports import free_port
from tests.support.api import chess

_ROOT = Path(__file__).parents[2]


def run_history(*arguments: str, **more: str) -> CompletedProcess[str]:
    """Run the history command."""
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
def startup_output() -> Iterator[str]:
    """The first two lines of output of `make run`, which runs meanwhile."""
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "infra.local.run"],
            cwd=_ROOT,
            env=environment_without_databases()
            | {"PORT": str(free_port()), "DATA_DIR": f"{folder}/data"},
            stdout=PIPE,
            text=True,
        ) as process,
    ):
        Path(folder).chmod(0o711)  # as root, Postgres runs under another account
        assert process.stdout
        output = process.stdout.readline() + process.stdout.readline()
        yield output
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    (database,) = re.findall(r"postgresql://\S+", output)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database, connect_timeout=2)


def test_the_history_command_shows_a_session_s_changes_and_clocks(startup_output: str) -> None:
    (url,) = re.findall(r"http://\S+", startup_output)
    (database,) = re.findall(r"postgresql://\S+", startup_output)
    session_id = str(uuid4())
    with httpx.Client(base_url=f"{url}/v1/sessions/", timeout=30) as http:
        http.post(url + "/v1/sessions", json=chess(session_id=session_id))
        for verb in ("start", "switch", "pause"):
            assert http.post(f"{session_id}/{verb}").status_code == 200
        paused = http.get(session_id).json()["data"]
        while len(http.get(f"{session_id}/events").json()["data"]["events"]) < 4:
            pass
    shown = run_history(session_id, DATABASE_URL=database)
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
    assert columns[3][6] == f"#0 {clock_text(first)}   #1 {clock_text(second)}"
    assert columns[1][6] == "#0 1:00.000 <   #1 1:00.000"


def clock_text(ms: int) -> str:
    """Return the text of a clock under an hour."""
    return f"{ms // 60_000}:{ms % 60_000 / 1000:06.3f}"


@pytest.mark.parametrize(
    ("arguments", "url", "message"),
    [
        ((str(uuid4()),), None, "No audit trail is configured: "),
        (
            (str(uuid4()),),
            "postgresql://postgres@127.0.0.1:9/postgres",
            "The audit trail can't be reached right now",
        ),
    ],
)
def test_the_history_command_explains_a_missing_or_unreachable_trail(
    arguments: tuple[str, ...], url: str | None, message: str
) -> None:
    failed = run_history(*arguments, **({"DATABASE_URL": url} if url else {}))
    assert (failed.returncode, failed.stderr) == (1, "")
    assert failed.stdout.startswith(message)
    assert failed.stdout.count("\n") == 1


def test_an_unknown_session_has_no_history(startup_output: str) -> None:
    (database,) = re.findall(r"postgresql://\S+", startup_output)
    unknown_id = str(uuid4())
    failed = run_history(unknown_id, DATABASE_URL=database)
    assert (failed.returncode, failed.stdout) == (
        1,
        f"The audit trail has no session {unknown_id}.\n",
    )


def test_an_invalid_session_id_is_refused() -> None:
    failed = run_history("my-game")
    assert failed.returncode == 2
    assert "SESSION_ID" in failed.stderr
