"""Both client libraries pass every conformance scenario on both servers, also with lost pushes."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.instance import Instance
from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from tests.clients.driving import JAVASCRIPT, PYTHON, driver
from tests.clients.judging import check_run
from tests.clients.losing_proxy import NO_LOSSES, Losses, lossy_proxy
from tests.clients.scenarios import SCENARIOS, ScenarioRun, is_possible_on
from tests.fuzz.extent import IS_FULL

_SERVERS = ("container", "functions")
_COMMANDS = {"python": PYTHON, "javascript": JAVASCRIPT}
_WARM = (
    *("create", "read", "realtime", "start", "switch", "time", "pause", "resume", "delete"),
    *("complete", "participants", "expire", "audit", "read", "read", "switch"),
)
"""Functions that start before the tests, so that no cold start delays a scenario."""

_CONDITIONS = {
    # The lossy condition covers the clean one.
    **({"clean": NO_LOSSES} if IS_FULL else {}),
    "lossy": Losses(loss=0.1, reorder=0.2, seed=11),
    "no-pushes": Losses(loss=1.0, reorder=0.0, seed=0),
}
_SCENARIOS_WITHOUT_PUSHES = (
    "switches",
    "a clock expires and another caller switches",
    "the session is deleted",
    "the client and another caller act alternately",
)
"""Scenarios to run if all pushes are lost, so that the client depends on its checks."""

_CONCURRENT_RUNS = 6
_TIMEOUT_S = 60.0

Outcome = Exception | None


@dataclass(frozen=True)
class Service:
    """A running service, and the server that carries its pushes."""

    kind: str
    url: str
    redis_url: str
    carrier: LocalRealtime | Instance

    @contextmanager
    def with_losses(self, losses: Losses) -> Iterator[str]:
        """Lose pushes for the duration of the block; yield the URL for the client."""
        if isinstance(self.carrier, Instance):
            with lossy_proxy(self.carrier.port, losses) as proxy:
                yield proxy.url
            return
        faults = self.carrier.faults
        faults.random.seed(losses.seed)
        faults.loss, faults.reorder = losses.loss, losses.reorder
        try:
            yield self.url
        finally:
            faults.loss = faults.reorder = 0.0


@pytest.fixture(scope="module")
def container(service: Instance, service_redis_url: str) -> Service:
    """The service as one process, with its own WebSockets."""
    return Service("container", service.url, service_redis_url, service)


@pytest.fixture(scope="module")
def functions(supabase_realtime: LocalRealtime) -> Iterator[Service]:
    """The service as functions, which push to Supabase Realtime."""
    with ExitStack() as stack:
        redis_url = stack.enter_context(embedded_redis())
        upstash = stack.enter_context(local_upstash(redis_url))
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
            "LOG_LEVEL": "WARNING",
            "RATE_LIMIT_GENERAL": "0",
            "RATE_LIMIT_SWITCH": "0",
            **supabase_realtime.settings(),
        }
        url = stack.enter_context(running_functions(settings, LocalRunOptions(warm=_WARM))).url
        yield Service("functions", url, redis_url, supabase_realtime)


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, str, str], dict[str, Outcome]]:
    """Outcomes per client, server and condition; its first test runs all scenarios at once."""
    return {}


def _names(server: str, condition: str) -> list[str]:
    """Return the names of the scenarios to run."""
    names = _SCENARIOS_WITHOUT_PUSHES if condition == "no-pushes" else SCENARIOS
    return [name for name in names if is_possible_on(name, server)]


@pytest.mark.parametrize("client", _COMMANDS)
@pytest.mark.parametrize(
    ("server", "condition", "name"),
    [(s, c, name) for s in _SERVERS for c in _CONDITIONS for name in _names(s, c)],
)
def test_a_client_ends_with_the_state_of_the_server(
    name: str,
    client: str,
    server: str,
    condition: str,
    request: pytest.FixtureRequest,
    outcomes: dict[tuple[str, str, str], dict[str, Outcome]],
) -> None:
    combination = (client, server, condition)
    if combination not in outcomes:
        if client == "javascript":
            request.getfixturevalue("javascript")
        service: Service = request.getfixturevalue(server)
        outcomes[combination] = _run_scenarios(_COMMANDS[client], service, condition)
    if error := outcomes[combination][name]:
        raise error


def _run_scenarios(command: Sequence[str], service: Service, condition: str) -> dict[str, Outcome]:
    names = _names(service.kind, condition)
    with service.with_losses(_CONDITIONS[condition]) as url:
        return asyncio.run(_run_all(command, url, service, names))


async def _run_all(
    command: Sequence[str], url: str, service: Service, names: Sequence[str]
) -> dict[str, Outcome]:
    """Run every scenario; the client uses `url`, the other callers the service itself."""
    slots = asyncio.Semaphore(_CONCURRENT_RUNS)
    async with (
        driver(command, url) as client,
        httpx.AsyncClient(base_url=service.url, timeout=_TIMEOUT_S, verify=False) as http,
    ):
        is_on_functions = service.kind == "functions"
        runs = [
            ScenarioRun(SCENARIOS[name], client, http, service.redis_url, is_on_functions)
            for name in names
        ]
        outcomes = await asyncio.gather(*(_run_one(run, slots) for run in runs))
        return dict(zip(names, outcomes, strict=True))


async def _run_one(run: ScenarioRun, slots: asyncio.Semaphore) -> Outcome:
    async with slots:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await run.execute()
                await check_run(run)
        except Exception as error:
            return error
        return None
