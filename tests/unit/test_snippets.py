"""Every fenced snippet of the pages for people can be parsed; others run most of them.

tests/clients/test_readme.py and test_js_live.py run the examples of the client libraries,
tests/e2e/test_quickstart.py and test_clock_element.py those of pages,
tests/integration/test_webhook_receiver.py the receiver, and test_curl_snippets.py the requests.
"""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conftest import missing

_ROOT = Path(__file__).parents[2]
_PAGES = [
    _ROOT / "README.md",
    *sorted((_ROOT / "docs").rglob("*.md")),
    *sorted((_ROOT / "clients").glob("*/README.md")),
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SCRIPT = re.compile(r'<script type="module">\n(.*?)</script>', re.DOTALL)

_NOT_PARSED: Mapping[str, str] = {
    "": "formulas and pictures of clocks, which are in no language",
    "svelte": "needs Svelte; tests/e2e/test_bindings.py compiles and runs it",
    "tsx": "needs React; tests/e2e/test_bindings.py compiles and runs it",
    "vue": "needs Vue; tests/e2e/test_bindings.py compiles and runs it",
}
"""Languages to the reason why their snippets are not parsed here."""


def _python(text: str) -> None:
    compile(text, "snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _javascript(text: str) -> None:
    if shutil.which("node") is None:
        missing("Node")
    command = ["node", "--check", "--input-type=module"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def _html(text: str) -> None:
    for script in _SCRIPT.findall(text):
        _javascript(script)


def _shell(text: str) -> None:
    command = ["bash", "-n"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "python": _python,
    "json": json.loads,
    "js": _javascript,
    "html": _html,
    "sh": _shell,
}

_SNIPPETS = [
    pytest.param(language, text, id=f"{page.relative_to(_ROOT)}:{number}")
    for page in _PAGES
    for number, (language, text) in enumerate(_FENCE.findall(page.read_text()), 1)
]


@pytest.mark.parametrize(("language", "text"), _SNIPPETS)
def test_a_snippet_is_correct_in_its_language(language: str, text: str) -> None:
    if language not in _NOT_PARSED:
        _PARSERS[language](text)


def test_snippets_are_found() -> None:
    languages = {str(snippet.values[0]) for snippet in _SNIPPETS}
    assert languages == _PARSERS.keys() | _NOT_PARSED.keys()
