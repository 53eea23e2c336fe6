"""An issuer's keys: when they are fetched, cached and dropped."""

from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.application.errors import StoreUnavailable
from shared.auth.jwks import JwksClient


class Issuer:
    """Serves keys and counts the fetches."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.is_up = True
        self.fetches = 0
        self.now = 1000.0

    def add(self, kid: str, **more: str) -> None:
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        jwk = jwt.get_algorithm_by_name("ES256").to_jwk(public, as_dict=True)
        self.keys.append(jwk | {"kid": kid, "alg": "ES256", "use": "sig"} | more)

    def respond(self, _: httpx.Request) -> httpx.Response:
        self.fetches += 1
        return httpx.Response(200, json={"keys": self.keys}) if self.is_up else httpx.Response(500)


@pytest.fixture
def issuer() -> Issuer:
    """An issuer with one key and a clock that tests set."""
    new = Issuer()
    new.add("first")
    return new


@pytest.fixture
def keys(issuer: Issuer) -> JwksClient:
    """The issuer's keys as the service fetches them."""
    return JwksClient(
        "http://issuer.example/keys", httpx.MockTransport(issuer.respond), lambda: issuer.now
    )


def _key_id(key: jwt.PyJWK | None) -> str | None:
    return key.key_id if key else None


async def test_keys_are_fetched_once(issuer: Issuer, keys: JwksClient) -> None:
    assert issuer.fetches == 0
    assert [_key_id(await keys.find("first")) for _ in range(3)] == ["first"] * 3
    assert issuer.fetches == 1


async def test_unknown_keys_cause_at_most_one_fetch_a_minute(
    issuer: Issuer, keys: JwksClient
) -> None:
    await keys.find("first")
    issuer.add("second")
    issuer.now += 61
    assert _key_id(await keys.find("second")) == "second"
    assert [await keys.find(f"made-up-{n}") for n in range(100)] == [None] * 100
    assert issuer.fetches == 2


async def test_a_withdrawn_key_is_dropped(issuer: Issuer, keys: JwksClient) -> None:
    await keys.find("first")
    issuer.keys.clear()
    issuer.add("second")
    issuer.now += 601
    assert await keys.find("first") is None


async def test_known_keys_stay_usable_for_an_hour_while_the_issuer_is_down(
    issuer: Issuer, keys: JwksClient
) -> None:
    await keys.find("first")
    issuer.is_up = False
    issuer.now += 601
    assert _key_id(await keys.find("first")) == "first"
    issuer.now += 3000
    with pytest.raises(StoreUnavailable):
        await keys.find("first")


async def test_without_keys_every_lookup_fails_until_a_fetch_succeeds(
    issuer: Issuer, keys: JwksClient
) -> None:
    issuer.is_up = False
    for _ in range(10):
        with pytest.raises(StoreUnavailable):
            await keys.find("first")
    assert issuer.fetches == 1
    issuer.is_up = True
    issuer.now += 1.1
    assert _key_id(await keys.find("first")) == "first"


async def test_a_token_without_a_key_id_matches_the_only_key(
    issuer: Issuer, keys: JwksClient
) -> None:
    assert _key_id(await keys.find(None)) == "first"
    issuer.add("second")
    issuer.now += 601
    assert await keys.find(None) is None


async def test_an_encryption_key_is_not_used_for_signatures(
    issuer: Issuer, keys: JwksClient
) -> None:
    issuer.add("for-encryption", use="enc")
    assert await keys.find("for-encryption") is None


@pytest.mark.parametrize("document", [[], {}, {"keys": []}, {"keys": [{"kty": "?"}]}, "x", None])
async def test_an_invalid_key_set_counts_as_an_unavailable_issuer(document: Any) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=document)

    keys = JwksClient("http://issuer.example/keys", httpx.MockTransport(respond))
    with pytest.raises(StoreUnavailable):
        await keys.find("first")
