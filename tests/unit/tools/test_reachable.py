"""`make run` prints the addresses of the service, and a link for a host."""

from pydantic import SecretStr

from infra.local.reachable import reachable_at
from shared.application.authorization import Role
from shared.auth.tokens import TokenService
from shared.settings.settings import Settings
from tests.support import tokens

_EVERY_INTERFACE = "0.0.0.0"


def test_a_service_on_a_loopback_address_has_one_address() -> None:
    (line,) = reachable_at(Settings(host="127.0.0.1", port=3000))
    assert "http://127.0.0.1:3000 " in line


def test_a_service_on_all_interfaces_names_this_machine_s_addresses_and_who_may_use_it() -> None:
    first, *others, warning = reachable_at(Settings(host=_EVERY_INTERFACE, port=3000))
    assert "http://127.0.0.1:3000 " in first
    assert not any("127." in line or _EVERY_INTERFACE in line for line in others)
    assert "JWT_SECRET" in warning or not others


async def test_the_link_of_a_host_has_a_token_that_the_service_accepts() -> None:
    settings = Settings(host="127.0.0.1", port=3000, jwt_secret=SecretStr(tokens.SECRET))
    link = reachable_at(settings)[-1].split()[-1]
    address, token = link.split("#token=")
    assert address == "http://127.0.0.1:3000/"
    assert (await TokenService(tokens.SECRET).verify(token)).role is Role.HOST


def test_no_link_is_made_where_another_issuer_signs_the_tokens() -> None:
    settings = Settings(
        jwt_secret=SecretStr(tokens.SECRET), jwt_jwks_url="https://issuer.example/jwks.json"
    )
    assert not any("#token=" in line for line in reachable_at(settings))
