"""The examples of the Python client's README run without errors and print what they promise."""

import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import httpx

from infra.local.instance import Instance
from tests.support.api import chess

_ROOT = Path(__file__).parents[2]
_README = _ROOT / "clients" / "python" / "README.md"
_DEFAULT_URL = "http://127.0.0.1:3000"
_TIMEOUT_S = 60.0


def example(number: int, url: str) -> str:
    """Return an example that uses the service at `url`."""
    found: str = re.findall(r"```python\n(.*?)```", _README.read_text(), re.DOTALL)[number]
    assert _DEFAULT_URL in found
    return found.replace(_DEFAULT_URL, url)


def run_script(text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-u", "-c", text], stdout=PIPE, stderr=PIPE, text=True
    )


def test_the_examples_have_correct_types(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("game.py", "errors.py", "watch.py")]
    for number, file in enumerate(files):
        session_id = repr("5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10")
        file.write_text(example(number, _DEFAULT_URL).replace("SESSION_ID", session_id))
    # In the project's folder, so that the cache of `make lint` saves a minute.
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, files)]
    ran = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_example_of_a_game(service: Instance) -> None:
    with run_script(example(0, service.url)) as process:
        output, errors = process.communicate(timeout=_TIMEOUT_S)
    assert (process.returncode, errors) == (0, "")
    left = [float(ms) for ms in output.removesuffix(" ms left\n").split()]
    assert all(170_000 < ms <= 180_000 for ms in left)


def test_the_example_of_an_error(service: Instance) -> None:
    with run_script(example(1, service.url)) as process:
        answer = process.communicate(timeout=_TIMEOUT_S)
    assert answer == ("400 INVALID_STATE_TRANSITION\n", "")


def test_the_example_of_following_a_session(service: Instance) -> None:
    with httpx.Client(base_url=service.url, timeout=30) as http:
        session_id = http.post("/v1/sessions", json=chess()).json()["data"]["session_id"]
        text = example(2, service.url).replace("SESSION_ID", repr(session_id))
        with run_script(text) as process:
            assert process.stdout
            lines = iter(process.stdout.readline, "")
            assert next(lines) == "pending\n"
            assert "live websocket present\n" in lines
            http.post(f"/v1/sessions/{session_id}/start")
            assert "2 session_started\n" in lines
            http.delete(f"/v1/sessions/{session_id}")
            _, errors = process.communicate(timeout=_TIMEOUT_S)
    assert (process.returncode, errors) == (0, "")
