"""The JavaScript client's own tests in Node, its types, and its package."""

import json
import re
import subprocess
from pathlib import Path

import pytest

_LIBRARY = Path(__file__).parents[2] / "clients" / "js"
_TYPES = Path(__file__).parent / "types"
_TESTS = sorted((_LIBRARY / "tests").glob("*.test.mjs"))
_TIMEOUT_S = 120

_PUBLISHED = {"package.json", "README.md"}


pytestmark = pytest.mark.usefixtures("javascript")


@pytest.mark.parametrize("path", _TESTS, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_the_javascript_tests_pass(path: Path) -> None:
    ran = _run("node", "--test", "--test-reporter=spec", str(path))
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_types_accept_applications_and_reject_mistakes() -> None:
    ran = _run("node_modules/.bin/tsc", "--project", str(_TYPES))
    assert ran.returncode == 0, ran.stdout


def test_the_readmes_examples_have_correct_types(tmp_path: Path) -> None:
    readme = (_LIBRARY / "README.md").read_text()
    blocks = re.findall(r"```(js|tsx|vue|svelte)\n(.*?)```", readme, re.DOTALL)
    assert [language for language, _ in blocks] == ["js"] * 4 + ["tsx", "vue", "svelte"]
    for number, (language, code) in enumerate(blocks):
        suffix = language if language == "tsx" else "mts"
        script = re.search(r"<script[^>]*>\n(.*?)</script>", code, re.DOTALL)
        (tmp_path / f"example{number}.{suffix}").write_text(script[1] if script else code)
    config = {"extends": str(_TYPES / "tsconfig.json"), "include": ["*.mts", "*.tsx"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    ran = _run("node_modules/.bin/tsc", "--project", str(tmp_path))
    assert ran.returncode == 0, ran.stdout


def test_only_the_library_is_published() -> None:
    ran = _run("npm", "pack", "--dry-run", "--silent", "--json", "--offline")
    packed = {file["path"] for file in json.loads(ran.stdout)[0]["files"]}
    modules = {path for path in packed if path.endswith((".js", ".d.ts"))}
    assert packed - modules == _PUBLISHED
    assert {
        "synckairos.js",
        "synckairos.d.ts",
        "react.js",
        "vue.d.ts",
        "transports/sse.js",
    } <= modules
    assert not any(path.startswith(("tests/", "node_modules/")) for path in packed)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=_LIBRARY, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
