"""`/llms.txt` has the form of llmstxt.org and names everything that the service has."""

import re
from pathlib import Path

from functions.endpoints import ROUTES
from shared.http.llms_text import llms_text
from tests.support import documented

_ROOT = Path(__file__).parents[3]
_LINK = re.compile(r"^- \[([^]]+)\]\((/[^)]*)\): \S.*$")
_OUTSIDE_OF_ROUTES = {"/api-docs.json", "/asyncapi.json"}


def test_it_begins_with_a_title_and_a_summary_and_then_lists_links() -> None:
    head, *sections = llms_text(ROUTES).split("\n## ")
    assert re.match(r"# SyncKairos\n\n> \S", head)
    assert [section.partition("\n")[0] for section in sections] == [
        "Reference",
        "Clients",
        "Requests",
    ]
    for section in sections:
        lines = section.strip().split("\n")[2:]
        assert lines
        assert [line for line in lines if not _LINK.match(line)] == []


def test_it_lists_every_request_of_the_reference() -> None:
    requests = llms_text(ROUTES).partition("## Requests\n")[2]
    listed = {_LINK.sub(r"\1", line) for line in requests.strip().split("\n")}
    described = {
        f"{method.upper()} {path}"
        for path, operations in documented.document()["paths"].items()
        for method in operations
    }
    assert listed == described - {"GET /v1/sessions/{session_id}/stream", "GET /metrics"}


def test_its_links_lead_to_what_the_service_serves() -> None:
    served = {route.path for route in ROUTES} | _OUTSIDE_OF_ROUTES
    links = {match[2] for line in llms_text(ROUTES).split("\n") if (match := _LINK.match(line))}
    for link in links - served:
        assert link.startswith("/clients/js/"), link
        assert (_ROOT / link.removeprefix("/")).is_file(), link
