"""The components in the README of the JavaScript library show a clock, in React, Vue and Svelte."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from infra.local.npm import is_node_installed, npm_install
from tests.clients.installing import BUNDLERS, LIBRARY, run
from tests.conftest import missing
from tests.e2e.conftest import Opener
from tests.e2e.site import Site
from tests.e2e.stories import ApiSession

_SERVICE = "http://127.0.0.1:3000"


def component(language: str, service: Instance) -> str:
    """Return the README's component in that language, as a client of `service`."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", (LIBRARY / "README.md").read_text(), re.S)
    assert _SERVICE in code
    return str(code).replace(_SERVICE, service.url)


def bundle(component: Path) -> str:
    """Return the code of a page that shows the component."""
    bundle = component.with_name("bundle.js")
    run("node", "component.mjs", str(LIBRARY), str(component), str(bundle), within=BUNDLERS)
    return bundle.read_text()


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    """The packages of the library and of the bundler."""
    if not is_node_installed():
        missing("Node")
    npm_install(LIBRARY)
    npm_install(BUNDLERS)


@pytest.mark.parametrize("language", ["tsx", "vue", "svelte"])
def test_the_component_of_the_readme_shows_a_clock(
    open_page: Opener, open_service: Instance, site: Site, tmp_path: Path, language: str
) -> None:
    people = [{"participant_id": name, "total_time_ms": 180_000} for name in ("ada", "ben")]
    body = {"sync_mode": "per_participant", "participants": people, "test": True}
    session = ApiSession(open_service.url, body)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "synckairos").symlink_to(LIBRARY)
    source = tmp_path / f"Clock.{language}"
    source.write_text(component(language, open_service))
    script = site.script(bundle(source))
    address = site.page(f'<body><script type="module" src="{script}"></script>')
    clock = open_page(f"{address}?id={session.id}&participantId=ada").page.locator("p")
    expect(clock).to_have_text("180 s")
    expect(clock).to_have_attribute("data-connection", "live")
    session.do("start", "pause")
    session.adjust(0, 60_000, "a correction")
    expect(clock).to_have_text("60 s")
