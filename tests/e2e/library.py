"""The client library in the browser that it is made for."""

from typing import Any

from playwright.sync_api import Page

_RUN = """async ([script, argument]) => {
  const library = await import("/clients/js/synckairos.js");
  return await eval(script)(library, argument);
}"""


def run(library: Page, script: str, argument: Any = None) -> Any:
    """The result of `(library, argument) => ...`, which may be a promise."""
    return library.evaluate(_RUN, [script, argument])
