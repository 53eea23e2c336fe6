"""The pages for people: the paths and commands that they name exist, and their links resolve."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = [
    _ROOT / "README.md",
    _ROOT / "CONTRIBUTING.md",
    _ROOT / "SECURITY.md",
    _ROOT / "tests" / "README.md",
    *sorted((_ROOT / "clients").glob("*/README.md")),
    *sorted((_ROOT / "docs").rglob("*.md")),
]

_CODE = re.compile(r"`([^`\n]+)`|^( {4}.*)$|^```.*\n((?:.*\n)*?)```", re.MULTILINE)
"""Code within a line, an indented line of code, a fenced block of code."""
_PATH = re.compile(r"(?<![\w./-])(?:functions|shared|infra|tests|clients|docs)/[\w./*-]*")
_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

_PATHS_TO_BE_MADE = {
    "functions/sessions/leader.py",
    "infra/aws/node_modules/.bin/osls",
    "infra/image/bases.env",
    "tests/integration/test_leader.py",
}
"""Files that a page tells its reader to create, or that a command installs."""


def _code(text: str) -> Iterator[str]:
    """Yield the pieces of code of a page, without the comments of its commands."""
    for found in _CODE.finditer(text):
        code = next(part for part in found.groups() if part is not None)
        yield re.sub(r"\s# .*", "", code)


def _paths(text: str) -> Iterator[str]:
    """Yield the project's paths in the code of a page."""
    for code in _code(text):
        yield from (path.rstrip(".") for path in _PATH.findall(code))


def _exists(path: str, page: Path) -> bool:
    """Return whether the path exists, from the root or from the page's own folder."""
    return any(
        any(folder.glob(path)) if "*" in path else (folder / path).exists()
        for folder in (_ROOT, page.parent)
    )


def _links(page: Path) -> Iterator[str]:
    """Yield the relative links of a page, with their anchors."""
    links: list[str] = _LINK.findall(page.read_text())
    yield from (link for link in links if "://" not in link and not link.startswith("mailto:"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the page's headings."""
    headings: list[str] = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _resolves(link: str, page: Path) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    missing = {path for path in _paths(page.read_text()) if not _exists(path, page)}
    assert missing - _PATHS_TO_BE_MADE == set()


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_relative_link_of_a_page_resolves(page: Path) -> None:
    assert [link for link in _links(page) if not _resolves(link, page)] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = {target for code in _code(page.read_text()) for target in _MAKE.findall(code)}
    assert named - set(_TARGET.findall((_ROOT / "Makefile").read_text())) == set()


def test_paths_are_found_in_lines_and_blocks_of_code() -> None:
    text = (
        "See `shared/http/` and `python docs/a.py`, not shared/b.\n\n"
        "    see infra/c.py.  # and infra/x.py\n\n```sh\nls tests/d* https://host/docs/e\n```\n"
    )
    assert list(_paths(text)) == ["shared/http/", "docs/a.py", "infra/c.py", "tests/d*"]


def test_anchors_are_made_like_those_of_github() -> None:
    assert "redis-one-server-cluster-sentinel-tls" in _anchors(_ROOT / "docs/redis.md")
