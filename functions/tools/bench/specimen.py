"""What the service answers and writes in each scenario, taken from it, for the floor to repeat."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis import Redis

from shared.store.keys import Keys

_KEYS = Keys()
_PUSH_TIMEOUT_S = 5.0
_SET_BY_THE_SERVER = ("date",)


class Specimen(msgspec.Struct, frozen=True):
    """One answer and, of a change, what its commit wrote."""

    status: int
    headers: dict[str, str]
    body: str
    state: str = ""
    entry: str = ""
    push: str = ""


class Specimens(msgspec.Struct, frozen=True):
    """One of each scenario."""

    read: Specimen
    create: Specimen
    switch: Specimen


def of_read(url: str, path: str) -> Specimen:
    """A read, as it is answered."""
    return _answer(url, "GET", path)


def of_change(url: str, redis: Any, session_id: str, path: str, body: str) -> Specimen:
    """A change of `session_id`, as it is answered, stored, audited and pushed."""
    with redis.pubsub() as pubsub:
        pubsub.subscribe(_KEYS.push_channel(session_id))
        pubsub.get_message(timeout=_PUSH_TIMEOUT_S)
        answer = _answer(url, "POST", path, body)
        push = pubsub.get_message(timeout=_PUSH_TIMEOUT_S)["data"]
    state = redis.hget(_KEYS.session(session_id), "state")
    ((_, fields),) = redis.xrevrange(_KEYS.outbox(_KEYS.shard_of(session_id)), count=1)
    return msgspec.structs.replace(answer, state=state, entry=fields["entry"], push=push)


def plant(redis: Any, session_id: str, specimen: Specimen) -> None:
    """Put a session of the specimen's size where the floor will look for it."""
    redis.hset(_KEYS.session(session_id), mapping={"operations": "0" * 16, "state": specimen.state})


def client(redis_url: str) -> Any:
    """A plain Redis client (its own types don't fit strict checking)."""
    return Redis.from_url(redis_url, decode_responses=True)


def _answer(url: str, method: str, path: str, body: str = "") -> Specimen:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request(method, path, body or None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    headers = {k: v for k, v in answer.getheaders() if k.lower() not in _SET_BY_THE_SERVER}
    return Specimen(answer.status, headers, text)
