"""Signatures of webhooks, verified by an independent implementation."""

import time

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from shared.application.ports.webhooks import SigningSecret, Webhook, WebhookMessage
from shared.application.webhook_signing import (
    BOTH_VALID_FOR,
    new_secret,
    signed_headers,
    with_new_secret,
)
from shared.domain.units import Instant

MESSAGE = WebhookMessage("b5d8c1f4.7", "time.expired", '{"name":"Zoë"}'.encode())
CREATED_AT = Instant(1_700_000_000_000)


@pytest.fixture
def now() -> Instant:
    """The present: the package refuses signatures that are older than 5 minutes."""
    return Instant(int(time.time() * 1000))


def webhook(secret: str) -> Webhook:
    return Webhook("id", "https://example.com", ("*",), CREATED_AT, (SigningSecret(secret),))


def test_the_independent_package_accepts_a_signature(now: Instant) -> None:
    secret = new_secret()
    headers = signed_headers(webhook(secret), MESSAGE, now)
    assert Verifier(secret).verify(MESSAGE.body, headers) == {"name": "Zoë"}


def test_the_published_example_gives_the_published_signature() -> None:
    # The example of Svix's documentation of the scheme, which Standard Webhooks took over.
    message = WebhookMessage("msg_p5jXN8AQM9LWM0D4loKWxJek", "test", b'{"test": 2432232314}')
    signed_at = Instant(1_614_265_330_000)
    headers = signed_headers(webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), message, signed_at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body"])
def test_a_changed_part_is_refused(changed: str, now: Instant) -> None:
    secret = new_secret()
    headers = signed_headers(webhook(secret), MESSAGE, now)
    body = MESSAGE.body
    if changed == "body":
        body += b" "
    else:
        headers[changed] = str(now // 1000 + 1)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body, headers)


def test_both_secrets_are_valid_for_a_day_after_a_rotation(now: Instant) -> None:
    old, new = new_secret(), new_secret()
    rotated = with_new_secret(webhook(old), new, now)
    headers = signed_headers(rotated, MESSAGE, now)
    assert Verifier(old).verify(MESSAGE.body, headers) == Verifier(new).verify(
        MESSAGE.body, headers
    )
    later = Instant(now + BOTH_VALID_FOR)
    assert len(signed_headers(rotated, MESSAGE, later)["webhook-signature"].split(" ")) == 1


def test_a_second_rotation_ends_the_oldest_secret(now: Instant) -> None:
    oldest, old, new = new_secret(), new_secret(), new_secret()
    rotated = with_new_secret(with_new_secret(webhook(oldest), old, now), new, now)
    headers = signed_headers(rotated, MESSAGE, now)
    assert Verifier(old).verify(MESSAGE.body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(oldest).verify(MESSAGE.body, headers)


def test_secrets_are_random() -> None:
    assert len({new_secret() for _ in range(100)}) == 100


def test_no_text_form_of_a_webhook_has_its_secret() -> None:
    secret = new_secret()
    shown = webhook(secret)
    assert secret not in f"{shown} {shown!r} {shown.secrets}"
