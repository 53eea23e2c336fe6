"""The quickstart works as it is written: its page shows two clocks, its backend gets webhooks."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import httpx
import pytest
from playwright.sync_api import Page, expect

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from tests.e2e.conftest import Opener

_PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text()
_MOST_LINES = 60


def _snippet(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def backend(
    own_redis_url: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> Iterator[tuple[Popen[str], int]]:
    """The reader's program, on a free port, and its port; the service allows its page.

    Its webhook gets the events of all sessions, so no other test may use the same Redis.
    """
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    settings = {"DATABASE_URL": postgres.url, "CORS_ORIGINS": origin}
    with running(own_redis_url, port=None, quiet=False, **settings) as service:
        _write_files(tmp_path, service, port)
        command = [sys.executable, "-W", "error", "game.py"]
        with Popen(command, cwd=tmp_path, stdout=PIPE, stderr=PIPE, text=True) as process:
            try:
                yield process, port
            finally:
                process.terminate()
                for webhook in httpx.get(f"{service.url}/v1/webhooks").json()["data"]["webhooks"]:
                    httpx.delete(f"{service.url}/v1/webhooks/{webhook['webhook_id']}")


def _write_files(folder: Path, service: Instance, port: int) -> None:
    for name, language in (("game.html", "html"), ("game.py", "python")):
        text = _snippet(language).replace("http://127.0.0.1:3000", service.url)
        assert service.url in text
        (folder / name).write_text(text.replace("8000", str(port)))


def test_the_page_and_the_backend_follow_one_game(
    backend: tuple[Popen[str], int], open_page: Opener, open_in_new_window: Opener
) -> None:
    process, port = backend
    assert process.stdout
    address = process.stdout.readline().strip()
    pages = [open_page(address).page, open_in_new_window(address).page]
    for page in pages:
        expect(page.locator("#ben")).to_have_text("180.0")
        expect(page.locator("#ada")).to_have_text(re.compile(r"^17\d\.\d$"))
    pages[0].get_by_role("button", name="Done").click()
    assert process.stdout.readline() == "cycle.switched ben\n"
    for page in pages:
        expect(page.locator("#ben")).to_have_text(re.compile(r"^17\d\.\d$"))
    assert _ada(pages[0]) == _ada(pages[1])
    forged = httpx.post(f"http://127.0.0.1:{port}/webhooks", json={"type": "cycle.switched"})
    assert forged.status_code == 400


def _ada(page: Page) -> str:
    """Return Ada's time, which stands."""
    return page.locator("#ada").inner_text()


def test_the_code_is_short() -> None:
    lines = [line for language in ("html", "python") for line in _snippet(language).split("\n")]
    assert 0 < len([line for line in lines if line]) < _MOST_LINES


def test_the_program_has_correct_types(tmp_path: Path) -> None:
    program = tmp_path / "game.py"
    program.write_text(_snippet("python"))
    command = [sys.executable, "-m", "mypy", "--strict", str(program)]
    ran = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
