"""Matching a request to its route."""

import pytest
from starlette.responses import Response

from functions.endpoints import ROUTES
from shared.application.errors import EndpointNotFound, MethodNotAllowed
from shared.http.request import ApiRequest
from shared.http.routing import Route, Routes, RouteTable

routes = Routes()


@routes.get("/things")
@routes.post("/things")
@routes.get("/things/{session_id}")
@routes.delete("/things/{session_id}")
@routes.post("/things/batch")
@routes.get("/things/{session_id}/parts/{participant_id}")
@routes.get("/files/{rest}")
async def endpoint(_: ApiRequest) -> Response:
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
        (
            "GET",
            "/things/a/parts/b/c?\n",
            "/things/{session_id}/parts/{participant_id}",
            {"session_id": "a", "participant_id": "b/c?\n"},
        ),
        ("GET", "/files/a/b.js", "/files/{rest}", {"rest": "a/b.js"}),
    ],
)
def test_a_path_matches_its_route_and_gives_its_parameters(
    method: str, path: str, route: str, parameters: dict[str, str]
) -> None:
    found, given = TABLE.find(method, path)
    assert (found.method, found.path, given) == (method, route, parameters)


@pytest.mark.parametrize(
    "path", ["/", "/thing", "/things/", "/things/a/", "/things/a/parts", "/files/"]
)
def test_a_path_without_a_route_is_not_found(path: str) -> None:
    with pytest.raises(EndpointNotFound):
        TABLE.find("GET", path)


def test_a_refused_method_is_answered_with_all_allowed_ones() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        TABLE.find("PATCH", "/things/batch")
    assert refused.value.headers == {"Allow": "DELETE, GET, HEAD, OPTIONS, POST"}


def test_the_first_of_two_matching_routes_is_used() -> None:
    first = Route("GET", "/a/{session_id}", endpoint)
    table = RouteTable([first, Route("GET", "/a/{participant_id}", endpoint)])
    assert table.find("GET", "/a/b") == (first, {"session_id": "b"})


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.may_be_absent], ids=lambda r: r.endpoint.__name__
)
def test_an_empty_object_is_valid_wherever_the_body_may_be_absent(route: Route) -> None:
    assert route.takes is not None
    assert not route.takes.model_validate({}).model_dump(exclude_defaults=True)
