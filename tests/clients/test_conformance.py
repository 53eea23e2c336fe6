"""Both client libraries come through every scenario, on both servers, whatever gets lost."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.instance import Instance, running
from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from tests.clients.driving import JAVASCRIPT, PYTHON, driver
from tests.clients.judging import judge
from tests.clients.losing_proxy import NONE, Losses, losing_proxy
from tests.clients.scenarios import SCENARIOS, Play, can_happen
from tests.fuzz.extent import IS_FULL

_SERVERS = ("container", "functions")
_COMMANDS = {"python": PYTHON, "javascript": JAVASCRIPT}
_WARM = (
    *("create", "read", "realtime", "start", "switch", "time", "pause", "resume", "delete"),
    *("complete", "participants", "expire", "audit", "read", "read", "switch"),
)
"""A cold start isn't what these are about."""

_CONDITIONS = {
    # What holds where pushes get lost holds where none does.
    **({"clean": NONE} if IS_FULL else {}),
    "lossy": Losses(lost=0.1, reordered=0.2, seed=11),
    "deaf": Losses(lost=1.0, reordered=0.0, seed=0),
}
_DEAF = (
    "switches",
    "a clock expires and another caller switches",
    "the session is deleted",
    "the client and another caller act alternately",
)
"""What is played where no push comes through at all, so that nothing but asking helps."""

_WITHIN_S = {"clean": 1.0, "lossy": 1.0, "deaf": 2.0}
"""Of the last change; asking comes every 0.7 s, and one answer may be slow on a busy machine."""

_AT_ONCE = 6
_PATIENCE_S = 30.0

Outcome = Exception | None


@dataclass(frozen=True)
class Service:
    """Where one is, and what carries its pushes."""

    kind: str
    url: str
    redis_url: str
    carrier: LocalRealtime | Instance

    @contextmanager
    def suffering(self, losses: Losses) -> Iterator[str]:
        """The address behind which pushes get lost, to the end of the block."""
        if isinstance(self.carrier, Instance):
            with losing_proxy(self.carrier.port, losses) as proxy:
                yield proxy.url
            return
        mischief = self.carrier.mischief
        mischief.seed = losses.seed
        mischief.loss, mischief.reorder = losses.lost, losses.reordered
        try:
            yield self.url
        finally:
            mischief.loss = mischief.reorder = 0.0


@pytest.fixture(scope="module")
def container(redis_url: str) -> Iterator[Service]:
    """One process, which holds WebSockets."""
    limits = {"RATE_LIMIT_GENERAL": "0", "RATE_LIMIT_SWITCH": "0"}
    with running(redis_url, port=None, quiet=False, **limits) as instance:
        yield Service("container", instance.url, redis_url, instance)


@pytest.fixture(scope="module")
def functions(supabase_realtime: LocalRealtime) -> Iterator[Service]:
    """Functions, with Supabase Realtime for what they push."""
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
    """What came of the scenarios; all of them are played at once, when the first is asked for."""
    return {}


def _names(server: str, condition: str) -> list[str]:
    """What is played there."""
    names = _DEAF if condition == "deaf" else SCENARIOS
    return [name for name in names if can_happen(name, server)]


@pytest.mark.parametrize("client", _COMMANDS)
@pytest.mark.parametrize(
    ("server", "condition", "name"),
    [(s, c, name) for s in _SERVERS for c in _CONDITIONS for name in _names(s, c)],
)
def test_a_client_ends_where_the_server_is(
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
        outcomes[combination] = _play(_COMMANDS[client], service, condition)
    if error := outcomes[combination][name]:
        raise error


def _play(command: Sequence[str], service: Service, condition: str) -> dict[str, Outcome]:
    names = _names(service.kind, condition)
    with service.suffering(_CONDITIONS[condition]) as url:
        return asyncio.run(_play_all(command, url, service, names, _WITHIN_S[condition]))


async def _play_all(
    command: Sequence[str], url: str, service: Service, names: Sequence[str], within_s: float
) -> dict[str, Outcome]:
    """Play every scenario; the client is behind `url`, everybody else at the service itself."""
    room = asyncio.Semaphore(_AT_ONCE)
    async with (
        driver(command, url) as driven,
        httpx.AsyncClient(base_url=service.url, timeout=_PATIENCE_S, verify=False) as http,
    ):
        is_on_functions = service.kind == "functions"
        plays = [
            Play(SCENARIOS[name], driven, http, service.redis_url, is_on_functions)
            for name in names
        ]
        outcomes = await asyncio.gather(*(_come_through(play, room, within_s) for play in plays))
        return dict(zip(names, outcomes, strict=True))


async def _come_through(play: Play, room: asyncio.Semaphore, within_s: float) -> Outcome:
    async with room:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await play.run()
                await judge(play, within_s)
        except Exception as error:
            return error
        return None
