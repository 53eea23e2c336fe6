"""An issuer's keys: fetched when they are needed, and no oftener than they may be."""

from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.access.jwks import FetchedKeys
from shared.errors import StoreUnavailable


class Issuer:
    """Serves keys, and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.is_up = True
        self.asked = 0
        self.now = 1000.0

    def add(self, kid: str, **more: str) -> None:
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        written = jwt.get_algorithm_by_name("ES256").to_jwk(public, as_dict=True)
        self.keys.append(written | {"kid": kid, "alg": "ES256", "use": "sig"} | more)

    def answer(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, json={"keys": self.keys}) if self.is_up else httpx.Response(500)


@pytest.fixture
def issuer() -> Issuer:
    """An issuer with one key, on a clock that tests move."""
    served = Issuer()
    served.add("first")
    return served


@pytest.fixture
def keys(issuer: Issuer) -> FetchedKeys:
    """Its keys as the service has them."""
    return FetchedKeys(
        "http://issuer.example/keys", httpx.MockTransport(issuer.answer), lambda: issuer.now
    )


def _id(key: jwt.PyJWK | None) -> str | None:
    return key.key_id if key else None


async def test_keys_are_fetched_once(issuer: Issuer, keys: FetchedKeys) -> None:
    assert issuer.asked == 0
    assert [_id(await keys.find("first")) for _ in range(3)] == ["first"] * 3
    assert issuer.asked == 1


async def test_an_unknown_key_is_asked_for_once_a_minute(issuer: Issuer, keys: FetchedKeys) -> None:
    await keys.find("first")
    issuer.add("second")
    issuer.now += 61
    assert _id(await keys.find("second")) == "second"
    assert [await keys.find(f"made-up-{n}") for n in range(100)] == [None] * 100
    assert issuer.asked == 2


async def test_a_withdrawn_key_is_forgotten(issuer: Issuer, keys: FetchedKeys) -> None:
    await keys.find("first")
    issuer.keys.clear()
    issuer.add("second")
    issuer.now += 601
    assert await keys.find("first") is None


async def test_an_issuer_that_is_away_keeps_nobody_out_whose_key_is_known(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    await keys.find("first")
    issuer.is_up = False
    issuer.now += 601
    assert _id(await keys.find("first")) == "first"
    issuer.now += 3000
    with pytest.raises(StoreUnavailable):
        await keys.find("first")


async def test_without_any_key_nobody_can_be_let_in_until_there_is_one(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    issuer.is_up = False
    for _ in range(10):
        with pytest.raises(StoreUnavailable):
            await keys.find("first")
    assert issuer.asked == 1
    issuer.is_up = True
    issuer.now += 1.1
    assert _id(await keys.find("first")) == "first"


async def test_a_token_that_names_no_key_is_of_the_only_one(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    assert _id(await keys.find(None)) == "first"
    issuer.add("second")
    issuer.now += 601
    assert await keys.find(None) is None


async def test_a_key_to_encrypt_with_signs_nothing(issuer: Issuer, keys: FetchedKeys) -> None:
    issuer.add("for-encryption", use="enc")
    assert await keys.find("for-encryption") is None


@pytest.mark.parametrize("document", [[], {}, {"keys": []}, {"keys": [{"kty": "?"}]}, "x", None])
async def test_what_is_no_key_set_is_none(document: Any) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=document)

    keys = FetchedKeys("http://issuer.example/keys", httpx.MockTransport(answer))
    with pytest.raises(StoreUnavailable):
        await keys.find("first")
