"""Which route a request is served by."""

import pytest
from starlette.responses import Response

from shared.errors import MethodNotAllowed, NothingHere
from shared.http.call import Call
from shared.http.routing import Route, Routes, RouteTable

routes = Routes()


@routes.get("/things")
@routes.post("/things")
@routes.get("/things/{session_id}")
@routes.delete("/things/{session_id}")
@routes.post("/things/batch")
@routes.get("/things/{session_id}/parts/{participant_id}")
@routes.get("/files/{rest}")
async def endpoint(_: Call) -> Response:
    """Serves all of them."""
    return Response()


TABLE = RouteTable(routes)


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/things", "/things", {}),
        ("GET", "/things/a", "/things/{session_id}", {"session_id": "a"}),
        ("GET", "/things/batch", "/things/{session_id}", {"session_id": "batch"}),
        ("POST", "/things/batch", "/things/batch", {}),
        (
            "GET",
            "/things/a/parts/b",
            "/things/{session_id}/parts/{participant_id}",
            {"session_id": "a", "participant_id": "b"},
        ),
        ("GET", "/files/a/b.js", "/files/{rest}", {"rest": "a/b.js"}),
    ],
)
def test_a_path_leads_to_its_route_with_the_parameters_in_it(
    method: str, path: str, route: str, parameters: dict[str, str]
) -> None:
    found, given = TABLE.find(method, path)
    assert (found.method, found.path, given) == (method, route, parameters)


@pytest.mark.parametrize(
    "path", ["/", "/thing", "/things/", "/things/a/", "/things/a/parts", "/files/"]
)
def test_a_path_of_no_route_is_nothing(path: str) -> None:
    with pytest.raises(NothingHere):
        TABLE.find("GET", path)


def test_a_refused_method_is_answered_with_all_that_the_path_takes() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        TABLE.find("PATCH", "/things/batch")
    assert refused.value.headers == {"Allow": "DELETE, GET, HEAD, OPTIONS, POST"}


def test_of_two_routes_that_fit_the_first_is_taken() -> None:
    first = Route("GET", "/a/{session_id}", endpoint)
    table = RouteTable([first, Route("GET", "/a/{participant_id}", endpoint)])
    assert table.find("GET", "/a/b") == (first, {"session_id": "b"})
