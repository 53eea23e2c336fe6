"""Secrets and signatures of webhooks, as the Standard Webhooks specification defines them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from secrets import token_bytes

from shared.application.ports.webhooks import SigningSecret, Webhook, WebhookMessage
from shared.domain.units import DAY, Instant, after
from shared.domain.values import replace

_PREFIX = "whsec_"
_SECRET_BYTES = 32

BOTH_VALID_FOR = DAY
"""How long a replaced secret still signs, so that receivers have time to learn the new one."""


def new_secret() -> str:
    """Return a new random secret."""
    return _PREFIX + b64encode(token_bytes(_SECRET_BYTES)).decode()


def with_new_secret(webhook: Webhook, secret: str, now: Instant) -> Webhook:
    """Return the webhook with a new secret; the newest of the others stays valid for a day."""
    replaced = replace(webhook.secrets[0], valid_until=after(now, BOTH_VALID_FOR))
    return replace(webhook, secrets=(SigningSecret(secret), replaced))


def signed_headers(webhook: Webhook, message: WebhookMessage, now: Instant) -> dict[str, str]:
    """Return the header fields of an attempt at `now`, signed with all valid secrets."""
    timestamp = str(now // 1000)
    secrets = [s.value for s in webhook.secrets if s.valid_until is None or now < s.valid_until]
    return {
        "webhook-id": message.message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signatures(secrets, message, timestamp)),
    }


def _signatures(secrets: Iterable[str], message: WebhookMessage, timestamp: str) -> Iterable[str]:
    signed = b"%b.%b.%b" % (message.message_id.encode(), timestamp.encode(), message.body)
    for secret in secrets:
        key = b64decode(secret.removeprefix(_PREFIX))
        yield "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
