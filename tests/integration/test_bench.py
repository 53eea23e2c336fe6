"""The benchmark compares the service with floors that answer alike, under loads that it names."""

import shutil
from collections.abc import Iterator

import httpx
import pytest

from tests.load.bench import latency, wrk
from tests.load.bench.audit_trail import wait_until_drained
from tests.load.bench.targets import Targets, create_body, start_targets
from tests.load.bench.wrk import NEW_ID, Load

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@pytest.fixture(scope="module")
def racers() -> Iterator[Targets]:
    with start_targets() as racers:
        yield racers


def test_both_floors_answer_a_read_and_a_switch_as_the_service_does(racers: Targets) -> None:
    path = f"/v1/sessions/{racers.session_ids[0]}"
    urls = (racers.service.url, racers.audited.url, racers.floor, racers.own_floor)
    for method, action in (("GET", ""), ("POST", "/switch")):
        answers = [httpx.request(method, f"{url}{path}{action}", trust_env=False) for url in urls]
        assert [answer.status_code for answer in answers] == [200] * 4
        fields = [set(answer.json()["data"]) for answer in answers]
        assert fields == [fields[0]] * 4


def test_both_floors_push_each_switch_to_a_socket(racers: Targets) -> None:
    for url in (racers.floor, racers.own_floor):
        assert latency.measure_pushes(url, racers.session_ids[0], 5).p50_ms > 0


@needs_wrk
def test_each_creation_of_a_load_has_an_id_of_its_own(racers: Targets) -> None:
    load = Load("POST", "/v1/sessions", create_body(session_id=NEW_ID))
    figures = wrk.run_wrk(load, [racers.audited.url], 1)
    assert figures.rate
    assert figures.errors == 0  # an id that was used before would be refused with 409
    wait_until_drained(racers.audited)


@needs_wrk
def test_a_load_reaches_all_servers_that_it_names(racers: Targets) -> None:
    urls = [racers.service.url, racers.audited.url]
    before = [version(url, racers.session_ids) for url in urls]
    load = Load("POST", "/v1/sessions/ID/switch", "{}", racers.session_ids)
    figures = wrk.run_wrk(load, urls, 1)
    assert figures.errors == 0
    after = [version(url, racers.session_ids) for url in urls]
    assert all(now > then for now, then in zip(after, before, strict=True))
    wait_until_drained(racers.audited)


def version(url: str, session_ids: tuple[str, ...]) -> int:
    """The versions of all sessions, added up."""
    answers = [httpx.get(f"{url}/v1/sessions/{one}", trust_env=False) for one in session_ids]
    return sum(int(answer.json()["data"]["version"]) for answer in answers)
