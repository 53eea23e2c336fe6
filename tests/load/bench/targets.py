"""Servers under test; the services and the baselines each have their own Redis."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec

from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate
from tests.load.bench import recorded_answers
from tests.load.bench.baseline import BASELINE_CLIENT, CLIENTS, RECORDED_ANSWERS
from tests.load.bench.errors import BenchError
from tests.load.bench.recorded_answers import RecordedAnswers

_SESSIONS = 100
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """An instance of the service, with its Redis and, optionally, its Postgres."""

    instance: Instance
    redis_url: str
    database_url: str = ""

    @property
    def url(self) -> str:
        """Base URL for HTTP."""
        return self.instance.url


@dataclass(frozen=True, slots=True)
class Targets:
    """Servers under test and their sessions, which are the same on all of them."""

    service: ServiceTarget
    """Writes audit entries to its outbox; no worker writes them to Postgres."""
    audited: ServiceTarget
    """Also writes its audit entries to Postgres."""
    baseline: str
    native_baseline: str
    """`baseline` is the URL of the baseline with redis-py, `native_baseline` with the service's
    connection."""
    constant: str
    session_ids: tuple[str, ...]


def create_body(**fields: object) -> str:
    """Return a JSON body that creates a session of two participants with a day each."""
    participants = [
        {"participant_id": str(uuid4()), "total_time_ms": _DAY_MS, "participant_index": n}
        for n in range(2)
    ]
    body = {"sync_mode": "per_participant", "participants": participants, **fields}
    return msgspec.json.encode(body).decode()


@contextmanager
def start_targets() -> Iterator[Targets]:
    """Start all servers, each with the same 100 running sessions."""
    session_ids = tuple(str(uuid4()) for _ in range(_SESSIONS))
    with ExitStack() as stack:
        start = partial(_start_instance, stack)
        redis_url = stack.enter_context(embedded_redis())
        service = ServiceTarget(start(redis_url, AUDIT_WORKER="off"), redis_url)
        audited = _start_audited(stack)
        for one in (service, audited):
            _start_sessions(one.url, session_ids)
        specimens = _record_specimens(service.url, redis_url, session_ids[0])
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "specimens.json"
        path.write_bytes(msgspec.json.encode(specimens))
        baselines = {}
        for client in CLIENTS:
            baseline_redis_url = stack.enter_context(embedded_redis())
            _plant_sessions(baseline_redis_url, session_ids, specimens)
            settings = {BASELINE_CLIENT: client, RECORDED_ANSWERS: str(path)}
            baselines[client] = start(
                baseline_redis_url, "tests.load.bench.baseline", **settings
            ).url
        constant = start(redis_url, "tests.load.bench.constant")
        yield Targets(
            service,
            audited,
            baselines["redis-py"],
            baselines["own connection"],
            constant.url,
            session_ids,
        )


def _start_instance(
    stack: ExitStack, redis_url: str, module: str = "functions.server", **settings: str
) -> Instance:
    started = running(redis_url, module=module, quiet=True, **settings)  # type: ignore[arg-type] # all are text
    return stack.enter_context(started)


def _start_audited(stack: ExitStack) -> ServiceTarget:
    redis_url = stack.enter_context(embedded_redis())
    database = stack.enter_context(embedded_postgres())
    migrate(database.url)
    instance = _start_instance(stack, redis_url, DATABASE_URL=database.url)
    return ServiceTarget(instance, redis_url, database.url)


def _start_sessions(url: str, session_ids: tuple[str, ...]) -> None:
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            for session_id in session_ids:
                body = create_body(session_id=session_id)
                http.post("/v1/sessions", content=body).raise_for_status()
                http.post(f"/v1/sessions/{session_id}/start").raise_for_status()
    except httpx.HTTPError as error:
        raise BenchError(f"Can't create the sessions of the benchmark: {error}") from error


def _record_specimens(url: str, redis_url: str, session_id: str) -> RecordedAnswers:
    redis = recorded_answers.redis_client(redis_url)
    path, new_id = f"/v1/sessions/{session_id}", str(uuid4())
    return RecordedAnswers(
        switch=recorded_answers.record_change(url, redis, session_id, f"{path}/switch", "{}"),
        read=recorded_answers.record_read(url, path),
        create=recorded_answers.record_change(
            url, redis, new_id, "/v1/sessions", create_body(session_id=new_id)
        ),
    )


def _plant_sessions(
    redis_url: str, session_ids: tuple[str, ...], specimens: RecordedAnswers
) -> None:
    redis = recorded_answers.redis_client(redis_url)
    for session_id in session_ids:
        recorded_answers.store_session(redis, session_id, specimens.switch)
