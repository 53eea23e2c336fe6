"""The load tool measures what it says: small copies of its scenarios, and runs that must fail."""

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
from tests.load.attendance import Attendance, Seat
from tests.load.failure import LoadFailed
from tests.load.generator import Change, Sample, Shots, fire
from tests.load.observation import Look, within
from tests.load.processes import Child
from tests.load.report import report
from tests.load.run import Record, run_on
from tests.load.scenarios import SCENARIOS, Limit, Scenario
from tests.load.stage import Stage, allow_files, stage
from tests.load.standins import answering, answering_only_after, telling
from tests.load.subscribers import attend
from tests.load.targets import Target, begin, targets
from tests.load.usage import Usage
from tests.load.verdict import figures_of, judge, slope

SESSION_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
STEADY = replace(SCENARIOS["sessions-1000"], sessions=1, duration_s=0.5, rate=40, warm_up_s=0)


def quiet(*_: object) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Stage]:
    with stage(2) as servers:
        yield servers


def test_each_subscriber_is_seen_to_get_each_version(servers: Stage, tmp_path: Path) -> None:
    scenario = replace(tiny("subscribers-10000"), sessions=4, sockets=24, rate=30)
    record = run_on(servers, scenario, quiet)
    code = report(record, tmp_path, Console(quiet=True))
    told = json.loads((tmp_path / "figures.json").read_text())
    figures = told["figures"]
    assert figures["pushes heard"] == 60 * 24 / 4
    assert figures["pushes missed"] == figures["versions missing"] == figures["errors %"] == 0
    assert 0 < figures["delivery p50 ms"] <= figures["delivery p99 ms"]
    assert len({seat for one in record.attendances for seat in one.pushes}) == 60
    assert told["passed"] is (code == 0)
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")


def test_contending_users_lose_nothing_and_only_named_versions_are_refused(
    servers: Stage,
) -> None:
    scenario = replace(tiny("high-frequency"), sessions=2, users=8)
    record = run_on(servers, scenario, quiet)
    figures = figures_of(record)
    assert figures["requests"] > 0
    assert figures["stale changes refused"] > 0
    assert figures["versions missing"] == figures["versions doubled"] == figures["errors %"] == 0


def test_people_play_their_games_from_creation_to_end(servers: Stage) -> None:
    scenario = replace(SCENARIOS["baseline"], sessions=3, duration_s=2.5)
    record = run_on(servers, scenario, quiet)
    kinds = Counter(sample.kind for sample in record.shots.samples)
    assert (kinds["create"], kinds["start"], kinds["complete"]) == (3, 3, 3)
    assert not record.shots.errors


def test_requests_are_sent_at_their_time_though_nothing_is_answered() -> None:
    with answering_only_after(20) as port:
        shots = fired(port)
    assert len(shots.samples) == 20
    assert not shots.errors
    assert shots.samples[0].status == 200
    assert max(sample.ms for sample in shots.samples) > 400


@pytest.mark.parametrize("statuses", [(201, 200), (503, 201, 503, 503, 200), (503, 409, 503, 400)])
def test_a_session_is_begun_although_an_instance_refuses_at_first(statuses: tuple[int]) -> None:
    with answering(*statuses) as (port, seen):
        asyncio.run(begin([Target(SESSION_ID, b"{}")], [port], quiet))
    assert len(seen) == len(statuses)
    assert seen[-1] == f"POST /v1/sessions/{SESSION_ID}/start"


def test_a_session_that_is_not_accepted_ends_the_run() -> None:
    with (
        answering(400) as (port, _),
        pytest.raises(LoadFailed, match="A session can't be begun: 400"),
    ):
        asyncio.run(begin([Target(SESSION_ID, b"{}")], [port], quiet))


def test_whoever_is_not_there_makes_errors() -> None:
    shots = fired(free_port())
    assert shots.errors.total() == len(shots.samples) == 20
    assert not shots.changes


def test_a_version_that_was_left_out_is_noticed() -> None:
    with telling("STATE_SYNC 1", "STATE_UPDATE 2", "STATE_UPDATE 4") as port:
        heard = attended(port, last=4)
    assert (heard.missed, heard.repeated, heard.lost) == (1, 0, 0)
    assert len(heard.pushes) == 2


def test_a_version_that_came_twice_is_noticed() -> None:
    with telling("STATE_SYNC 1", "STATE_UPDATE 2", "STATE_UPDATE 2", "STATE_UPDATE 3") as port:
        heard = attended(port, last=3)
    assert (heard.missed, heard.repeated, heard.lost) == (0, 1, 0)


def test_a_lost_socket_is_noticed_and_what_it_never_got() -> None:
    with telling("STATE_SYNC 1", "STATE_UPDATE 2", leaves=True) as port:
        heard = attended(port, last=5)
    assert (heard.missed, heard.repeated, heard.lost) == (3, 0, 1)


def test_a_process_that_fails_says_why() -> None:
    child = Child(attend, [Seat(free_port(), 0, SESSION_ID)])
    with pytest.raises(LoadFailed, match=r"attend failed: ConnectionRefusedError"):
        child.listen(30)
    child.end()


def test_missing_and_doubled_versions_are_counted() -> None:
    record = recorded([Change(0, 3, 0.0), Change(0, 5, 0.0), Change(0, 5, 0.0)], {0: 2}, {0: 5})
    figures = figures_of(record)
    assert figures["versions missing"] == 1
    assert figures["versions doubled"] == 1


def test_a_run_whose_generator_was_late_is_invalid(tmp_path: Path) -> None:
    record = recorded([], {0: 2}, {0: 2})
    record.scenario = replace(record.scenario, limits=())
    record.lateness_after = Counter({2000.0: 3, math.inf: 9})
    assert all(one.passed for one in judge(figures_of(record), record.scenario.validity))
    record.shots.samples = [s._replace(late_ms=200) for s in record.shots.samples]
    said = StringIO()
    assert report(record, tmp_path, Console(file=said)) == 1
    assert "worth nothing" in said.getvalue()
    assert "more than is counted" in said.getvalue()


def test_warm_up_is_in_no_latency_but_its_errors_count() -> None:
    record = recorded([], {0: 2}, {0: 2})
    record.scenario = replace(record.scenario, warm_up_s=2)
    record.shots.samples = [
        Sample("switch", 1, 0, 900, 500),
        Sample("switch", 3, 0, 5, 200),
    ]
    record.shots.errors["switch: 500"] = 1
    figures = figures_of(record)
    assert figures["switch most ms"] == 5
    assert figures["errors %"] == 50


def test_what_was_not_measured_does_not_pass() -> None:
    (judgement,) = judge({}, [Limit("delivery p95 ms", 100)])
    assert not judgement.passed


def test_growth_is_the_slope_of_the_line_that_fits_best() -> None:
    assert slope([(0, 5), (1, 5), (2, 5)]) == 0
    assert slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2)


def test_lateness_is_that_of_the_run_alone() -> None:
    before, after = {5.0: 10, 10.0: 20}, {5.0: 10, 10.0: 120}
    assert within(before, after, 95) == 10.0
    assert within(after, after, 95) is None


def test_most_sessions_of_the_mix_go_on_whatever_runs_out() -> None:
    found = targets(replace(STEADY, sessions=400))
    modes = Counter(json.loads(target.body)["sync_mode"] for target in found)
    assert set(modes) == {"per_participant", "per_cycle", "per_group", "global", "count_up"}
    assert 0.9 < sum(target.switchable for target in found) / len(found) < 1
    assert len({target.session_id for target in found}) == 400


def test_more_sockets_than_files_may_be_open_are_refused_with_a_remedy() -> None:
    with pytest.raises(LoadFailed, match=r"ulimit -Hn .* --sockets"):
        allow_files(10**9)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["nothing"], "invalid choice: 'nothing'"),
        (["baseline", "--rate", "-1"], "--rate: must be greater than zero"),
        (["sustained", "--duration", "5"], "--duration must exceed the warm-up of 60 s"),
    ],
)
def test_a_wrong_option_is_refused(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(options)
    assert reason in capsys.readouterr().err


def tiny(name: str) -> Scenario:
    return replace(SCENARIOS[name], duration_s=2, warm_up_s=0.5)


def recorded(changes: list[Change], first: dict[int, int], last: dict[int, int]) -> Record:
    shots = Shots(0.0, changes=changes)
    shots.samples = [Sample("switch", n / 2, 0, 5, 200) for n in range(8)]
    scenario = replace(STEADY, mix="games", duration_s=4)
    looks = [Look(float(n), (80.0,), (0.0,), 10, 0, Usage(float(n), {})) for n in range(4)]
    return Record(scenario, shots, first, last, looks=looks)


def fired(port: int) -> Shots:
    """What the generator has of twenty requests, sent from a process of its own."""
    child = Child(fire, STEADY, [Target(SESSION_ID, b"")], [port])
    while not child.is_done:
        child.listen(1)
    child.end()
    shots: Shots = child.result
    return shots


def attended(port: int, last: int) -> Attendance:
    """What one socket heard of a session that got as far as `last`."""
    child = Child(attend, [Seat(port, 0, SESSION_ID)])
    child.say({0: last})
    while not child.is_done:
        child.listen(1)
    child.end()
    heard: Attendance = child.result
    return heard
