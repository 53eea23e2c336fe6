"""The benchmark's baselines answer as the service does, and its loads reach all named servers."""

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
def targets() -> Iterator[Targets]:
    with start_targets() as targets:
        yield targets


def test_both_baselines_answer_reads_and_switches_as_the_service_does(targets: Targets) -> None:
    path = f"/v1/sessions/{targets.session_ids[0]}"
    urls = (targets.service.url, targets.audited.url, targets.baseline, targets.native_baseline)
    for method, action in (("GET", ""), ("POST", "/switch")):
        answers = [httpx.request(method, f"{url}{path}{action}", trust_env=False) for url in urls]
        assert [answer.status_code for answer in answers] == [200] * 4
        fields = [set(answer.json()["data"]) for answer in answers]
        assert fields == [fields[0]] * 4


def test_both_baselines_push_each_switch_to_a_socket(targets: Targets) -> None:
    for url in (targets.baseline, targets.native_baseline):
        assert latency.measure_pushes(url, targets.session_ids[0], 5).p50_ms > 0


@needs_wrk
def test_each_creation_of_a_load_has_its_own_id(targets: Targets) -> None:
    load = Load("POST", "/v1/sessions", create_body(session_id=NEW_ID))
    figures = wrk.run_wrk(load, [targets.audited.url], 1)
    assert figures.rate
    assert figures.errors == 0  # a used id would be refused with 409
    wait_until_drained(targets.audited)


@needs_wrk
def test_a_load_reaches_all_servers_that_it_names(targets: Targets) -> None:
    urls = [targets.service.url, targets.audited.url]
    before = [total_version(url, targets.session_ids) for url in urls]
    load = Load("POST", "/v1/sessions/ID/switch", "{}", targets.session_ids)
    figures = wrk.run_wrk(load, urls, 1)
    assert figures.errors == 0
    after = [total_version(url, targets.session_ids) for url in urls]
    assert all(new > old for new, old in zip(after, before, strict=True))
    wait_until_drained(targets.audited)


def total_version(url: str, session_ids: tuple[str, ...]) -> int:
    """Return the sum of all sessions' versions."""
    answers = [httpx.get(f"{url}/v1/sessions/{one}", trust_env=False) for one in session_ids]
    return sum(int(answer.json()["data"]["version"]) for answer in answers)
