"""Records what the service answers and writes in each scenario; the baselines repeat it."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis import Redis

from shared.store.keys import StoreKeys

_KEYS = StoreKeys()
_PUSH_TIMEOUT_S = 5.0
_SET_BY_THE_SERVER = ("date",)


class RecordedAnswer(msgspec.Struct, frozen=True):
    """A recorded answer and, for a change, what its commit wrote to Redis."""

    status: int
    headers: dict[str, str]
    body: str
    state: str = ""
    entry: str = ""
    push: str = ""


class RecordedAnswers(msgspec.Struct, frozen=True):
    """The recorded answers of the three scenarios."""

    read: RecordedAnswer
    create: RecordedAnswer
    switch: RecordedAnswer


def record_read(url: str, path: str) -> RecordedAnswer:
    """Read `path` and record the answer."""
    return _answer(url, "GET", path)


def record_change(url: str, redis: Any, session_id: str, path: str, body: str) -> RecordedAnswer:
    """Make a change and record its answer, stored state, audit entry and push message."""
    with redis.pubsub() as pubsub:
        pubsub.subscribe(_KEYS.push_channel(session_id))
        pubsub.get_message(timeout=_PUSH_TIMEOUT_S)
        answer = _answer(url, "POST", path, body)
        push = pubsub.get_message(timeout=_PUSH_TIMEOUT_S)["data"]
    state = redis.hget(_KEYS.session(session_id), "state")
    ((_, fields),) = redis.xrevrange(_KEYS.outbox(_KEYS.shard_of(session_id)), count=1)
    return msgspec.structs.replace(answer, state=state, entry=fields["entry"], push=push)


def store_session(redis: Any, session_id: str, specimen: RecordedAnswer) -> None:
    """Store a session of the recorded size under the key that the baseline reads."""
    redis.hset(_KEYS.session(session_id), mapping={"operations": "0" * 16, "state": specimen.state})


def redis_client(redis_url: str) -> Any:
    """Return a redis-py client; typed `Any`, as its types fail mypy's strict mode."""
    return Redis.from_url(redis_url, decode_responses=True)


def _answer(url: str, method: str, path: str, body: str = "") -> RecordedAnswer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request(method, path, body or None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    headers = {k: v for k, v in answer.getheaders() if k.lower() not in _SET_BY_THE_SERVER}
    return RecordedAnswer(answer.status, headers, text)
