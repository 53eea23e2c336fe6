"""The benchmark compares the service with floors that answer alike, under loads that it names."""

import shutil
from collections.abc import Iterator

import httpx
import pytest

from functions.tools.bench import latency, wrk
from functions.tools.bench.audit import wait_until_drained
from functions.tools.bench.contestants import Contestants, contestants, creation
from functions.tools.bench.wrk import NEW_ID, Load

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@pytest.fixture(scope="module")
def racers() -> Iterator[Contestants]:
    with contestants() as racers:
        yield racers


def test_both_floors_answer_a_read_and_a_switch_as_the_service_does(racers: Contestants) -> None:
    path = f"/v1/sessions/{racers.session_ids[0]}"
    urls = (racers.service.url, racers.audited.url, racers.floor, racers.own_floor)
    for method, action in (("GET", ""), ("POST", "/switch")):
        answers = [httpx.request(method, f"{url}{path}{action}", trust_env=False) for url in urls]
        assert [answer.status_code for answer in answers] == [200] * 4
        fields = [set(answer.json()["data"]) for answer in answers]
        assert fields == [fields[0]] * 4


def test_both_floors_push_each_switch_to_a_socket(racers: Contestants) -> None:
    for url in (racers.floor, racers.own_floor):
        assert latency.of_deliveries(url, racers.session_ids[0], 5).p50_ms > 0


@needs_wrk
def test_each_creation_of_a_load_has_an_id_of_its_own(racers: Contestants) -> None:
    load = Load("POST", "/v1/sessions", creation(session_id=NEW_ID))
    figures = wrk.run(load, [racers.audited.url], 1)
    assert figures.rate
    assert figures.errors == 0  # an id that was used before would be refused with 409
    wait_until_drained(racers.audited)


@needs_wrk
def test_a_load_reaches_all_servers_that_it_names(racers: Contestants) -> None:
    urls = [racers.service.url, racers.audited.url]
    before = [version(url, racers.session_ids) for url in urls]
    load = Load("POST", "/v1/sessions/ID/switch", "{}", racers.session_ids)
    figures = wrk.run(load, urls, 1)
    assert figures.errors == 0
    after = [version(url, racers.session_ids) for url in urls]
    assert all(now > then for now, then in zip(after, before, strict=True))
    wait_until_drained(racers.audited)


def version(url: str, session_ids: tuple[str, ...]) -> int:
    """The versions of all sessions, added up."""
    answers = [httpx.get(f"{url}/v1/sessions/{one}", trust_env=False) for one in session_ids]
    return sum(int(answer.json()["data"]["version"]) for answer in answers)
