"""Checks pages with axe-core (WCAG 2.2 A and AA, and its best practices)."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from infra.local.npm import is_node_installed, npm_install
from tests.conftest import missing

_LIBRARY = Path(__file__).parents[2] / "clients" / "js"
_RUN = """async rules => {
  const only = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
  const {violations} = await axe.run(document, {...only, resultTypes: ["violations"]});
  return violations.map(({id, nodes}) =>
    `${id}: ${nodes.map(({target, any}) => `${target} ${any[0]?.message ?? ""}`).join("; ")}`);
}"""


def violations(page: Page) -> list[str]:
    """Return what axe finds in the page, and what it finds of the contrast in dark colours.

    It can't tell the contrast in colours that the system chooses (forced colours), because it reads
    a colour that browsers don't force.
    """
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = _run(page, "light")
    page.emulate_media(color_scheme="dark")
    return found + _run(page, "dark", "color-contrast")


def _run(page: Page, colours: str, *rules: str) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    found: list[Any] = page.evaluate(_RUN, list(rules))
    return [f"{colours}: {fault}" for fault in found]


@cache
def _source() -> str:
    if not is_node_installed():
        missing("Node")
    npm_install(_LIBRARY)
    return (_LIBRARY / "node_modules" / "axe-core" / "axe.min.js").read_text()
