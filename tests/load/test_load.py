"""The load tool measures correctly: small copies of its scenarios, and runs that must fail."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from infra.local.ports import free_port
from tests.load.__main__ import main
from tests.load.attendance import SubscriberResults, Subscription
from tests.load.failure import LoadFailed
from tests.load.generator import AcceptedChange, LoadResults, Sample, send_schedule
from tests.load.observation import Observation, histogram_percentile
from tests.load.processes import ChildProcess
from tests.load.report import report
from tests.load.run import Record, run_on
from tests.load.scenarios import SCENARIOS, Limit, Scenario
from tests.load.stage import Servers, raise_file_limit, running_servers
from tests.load.standins import server_answering_after, server_with_statuses, websocket_server
from tests.load.subscribers import subscribe
from tests.load.targets import Target, make_targets, start_sessions
from tests.load.usage import Usage
from tests.load.verdict import check_limits, figures_of, slope

SESSION_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
STEADY = replace(SCENARIOS["sessions-1000"], sessions=1, duration_s=0.5, rate=40, warm_up_s=0)


def ignore_progress(*_: object) -> None:
    """Ignore progress."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with running_servers(2) as servers:
        yield servers


def test_each_subscriber_receives_each_version(servers: Servers, tmp_path: Path) -> None:
    scenario = replace(shortened("subscribers-10000"), sessions=4, sockets=24, rate=30)
    record = run_on(servers, scenario, ignore_progress)
    code = report(record, tmp_path, Console(quiet=True))
    document = json.loads((tmp_path / "figures.json").read_text())
    figures = document["figures"]
    assert figures["pushes received"] == 60 * 24 / 4
    assert figures["pushes missed"] == figures["versions missing"] == figures["errors %"] == 0
    assert 0 < figures["delivery p50 ms"] <= figures["delivery p99 ms"]
    assert len({push for one in record.subscriber_results for push in one.push_keys}) == 60
    assert document["passed"] is (code == 0)
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")


def test_contending_users_lose_no_change_and_only_old_named_versions_are_refused(
    servers: Servers,
) -> None:
    scenario = replace(shortened("high-frequency"), sessions=2, users=8)
    record = run_on(servers, scenario, ignore_progress)
    figures = figures_of(record)
    assert figures["requests"] > 0
    assert figures["stale changes refused"] > 0
    assert figures["versions missing"] == figures["versions duplicated"] == figures["errors %"] == 0


def test_people_play_their_games_from_creation_to_end(servers: Servers) -> None:
    scenario = replace(SCENARIOS["baseline"], sessions=3, duration_s=2.5)
    record = run_on(servers, scenario, ignore_progress)
    kinds = Counter(sample.kind for sample in record.results.samples)
    assert (kinds["create"], kinds["start"], kinds["complete"]) == (3, 3, 3)
    assert not record.results.errors


def test_in_an_exam_every_second_socket_gets_differences(servers: Servers) -> None:
    scenario = replace(shortened("individual-100"), sessions=1, participants=70, rate=10)
    figures = figures_of(record := run_on(servers, scenario, ignore_progress))
    assert Counter(sample.kind for sample in record.results.samples) == {"finish": 20}
    assert figures["versions missing"] == figures["pushes missed"] == figures["errors %"] == 0
    assert sum(one.differences for one in record.subscriber_results) == 20
    assert figures["pushes received"] == 40
    assert (
        0
        < 10 * figures["bytes of a push with a difference"]
        < figures["bytes of a push with the state"]
    )
    assert figures["bytes to Redis a change"] > 0


def test_requests_are_sent_when_due_even_without_responses() -> None:
    with server_answering_after(20) as port:
        results = run_generator(port)
    assert len(results.samples) == 20
    assert not results.errors
    assert results.samples[0].status == 200
    assert max(sample.ms for sample in results.samples) > 400


@pytest.mark.parametrize("statuses", [(201, 200), (503, 201, 503, 503, 200), (503, 409, 503, 400)])
def test_starting_a_session_is_retried_after_503(statuses: tuple[int]) -> None:
    with server_with_statuses(*statuses) as (port, seen):
        asyncio.run(start_sessions([Target(SESSION_ID, b"{}")], [port], ignore_progress))
    assert len(seen) == len(statuses)
    assert seen[-1] == f"POST /v1/sessions/{SESSION_ID}/start"


def test_a_rejected_session_ends_the_run() -> None:
    with (
        server_with_statuses(400) as (port, _),
        pytest.raises(LoadFailed, match="Can't start a session: 400"),
    ):
        asyncio.run(start_sessions([Target(SESSION_ID, b"{}")], [port], ignore_progress))


def test_requests_without_a_server_are_errors() -> None:
    results = run_generator(free_port())
    assert results.errors.total() == len(results.samples) == 20
    assert not results.changes


def test_a_missed_version_is_counted() -> None:
    with websocket_server("STATE_SYNC 1", "STATE_UPDATE 2", "STATE_UPDATE 4") as port:
        results = run_subscriber(port, last=4)
    assert (results.missed, results.repeated, results.lost) == (1, 0, 0)
    assert len(results.push_keys) == 2


def test_a_repeated_version_is_counted() -> None:
    with websocket_server(
        "STATE_SYNC 1", "STATE_UPDATE 2", "STATE_UPDATE 2", "STATE_UPDATE 3"
    ) as port:
        results = run_subscriber(port, last=3)
    assert (results.missed, results.repeated, results.lost) == (0, 1, 0)


def test_a_lost_socket_is_counted_with_the_versions_that_it_missed() -> None:
    with websocket_server("STATE_SYNC 1", "STATE_UPDATE 2", closes=True) as port:
        results = run_subscriber(port, last=5)
    assert (results.missed, results.repeated, results.lost) == (3, 0, 1)


def test_a_failed_process_reports_the_reason() -> None:
    child = ChildProcess(subscribe, [Subscription(free_port(), 0, SESSION_ID)])
    with pytest.raises(LoadFailed, match=r"subscribe failed: ConnectionRefusedError"):
        child.receive(30)
    child.stop()


def test_missing_and_duplicated_versions_are_counted() -> None:
    record = make_record(
        [AcceptedChange(0, 3, 0.0), AcceptedChange(0, 5, 0.0), AcceptedChange(0, 5, 0.0)],
        {0: 2},
        {0: 5},
    )
    figures = figures_of(record)
    assert figures["versions missing"] == 1
    assert figures["versions duplicated"] == 1


def test_a_run_whose_generator_was_late_is_invalid(tmp_path: Path) -> None:
    record = make_record([], {0: 2}, {0: 2})
    record.scenario = replace(record.scenario, limits=())
    record.lateness_after = Counter({2000.0: 3, math.inf: 9})
    assert all(one.passed for one in check_limits(figures_of(record), record.scenario.validity))
    record.results.samples = [s._replace(late_ms=200) for s in record.results.samples]
    output = StringIO()
    assert report(record, tmp_path, Console(file=output)) == 1
    assert "the figures are invalid" in output.getvalue()
    assert "above the largest histogram bucket" in output.getvalue()


def test_latencies_exclude_the_warm_up_and_errors_include_it() -> None:
    record = make_record([], {0: 2}, {0: 2})
    record.scenario = replace(record.scenario, warm_up_s=2)
    record.results.samples = [
        Sample("switch", 1, 0, 900, 500),
        Sample("switch", 3, 0, 5, 200),
    ]
    record.results.errors["switch: 500"] = 1
    figures = figures_of(record)
    assert figures["switch max ms"] == 5
    assert figures["errors %"] == 50


def test_a_limit_without_a_figure_fails() -> None:
    (check,) = check_limits({}, [Limit("delivery p95 ms", 100)])
    assert not check.passed


def test_growth_is_the_slope_of_the_regression_line() -> None:
    assert slope([(0, 5), (1, 5), (2, 5)]) == 0
    assert slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2)


def test_lateness_excludes_counts_from_before_the_run() -> None:
    before, after = {5.0: 10, 10.0: 20}, {5.0: 10, 10.0: 120}
    assert histogram_percentile(before, after, 95) == 10.0
    assert histogram_percentile(after, after, 95) is None


def test_the_mix_has_all_modes_and_few_sessions_that_end_with_a_timeout() -> None:
    found = make_targets(replace(STEADY, sessions=400))
    modes = Counter(json.loads(target.body)["sync_mode"] for target in found)
    assert set(modes) == {"per_participant", "per_cycle", "per_group", "global", "count_up"}
    assert 0.9 < sum(target.switchable for target in found) / len(found) < 1
    assert len({target.session_id for target in found}) == 400


def test_more_sockets_than_open_files_are_refused_with_a_remedy() -> None:
    with pytest.raises(LoadFailed, match=r"ulimit -Hn .* --sockets"):
        raise_file_limit(10**9)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["nothing"], "invalid choice: 'nothing'"),
        (["baseline", "--rate", "-1"], "--rate: must be greater than zero"),
        (["sustained", "--duration", "5"], "--duration must exceed the warm-up of 60 s"),
    ],
)
def test_an_invalid_option_is_refused(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(options)
    assert reason in capsys.readouterr().err


def shortened(name: str) -> Scenario:
    return replace(SCENARIOS[name], duration_s=2, warm_up_s=0.5)


def make_record(
    changes: list[AcceptedChange], first: dict[int, int], last: dict[int, int]
) -> Record:
    results = LoadResults(0.0, changes=changes)
    results.samples = [Sample("switch", n / 2, 0, 5, 200) for n in range(8)]
    scenario = replace(STEADY, mix="games", duration_s=4)
    observations = [
        Observation(float(n), (80.0,), (0.0,), 10, 0, 0, Usage(float(n), {})) for n in range(4)
    ]
    return Record(scenario, results, first, last, observations=observations)


def run_generator(port: int) -> LoadResults:
    """Run the generator with twenty requests in a child process; return its results."""
    child = ChildProcess(send_schedule, STEADY, [Target(SESSION_ID, b"")], [port])
    while not child.is_done:
        child.receive(1)
    child.stop()
    results: LoadResults = child.result
    return results


def run_subscriber(port: int, last: int) -> SubscriberResults:
    """Run one subscriber until version `last` of its session; return its results."""
    child = ChildProcess(subscribe, [Subscription(port, 0, SESSION_ID)])
    child.send({0: last})
    while not child.is_done:
        child.receive(1)
    child.stop()
    results: SubscriberResults = child.result
    return results
