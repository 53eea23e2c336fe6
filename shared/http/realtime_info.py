"""How clients subscribe to a session: by WebSocket, Supabase or polling (docs/realtime.md)."""

import time
from dataclasses import dataclass
from typing import Any

from shared.application.authorization import Caller, Role
from shared.application.push_messages import topic_name
from shared.auth.supabase_tokens import SupabaseTokenSigner
from shared.auth.tokens import TokenKind
from shared.http.client_address import public_url
from shared.http.rendering import token_fields
from shared.http.request import ApiRequest, Subscriptions
from shared.http.supabase_presence import supabase_presence_of
from shared.settings.settings import Settings

_LIFETIME_S = 600
"""Lifetime of a subscription token; short, because Supabase accepts it until it expires."""


@dataclass(frozen=True, slots=True)
class SupabaseSubscriptions:
    """Subscriptions through the Supabase project at `url`, with its publishable `key`.

    `tokens` is None in functions that need only `origins`. `has_presence` means that clients are
    shown in the session's presence.
    """

    url: str
    key: str
    tokens: SupabaseTokenSigner | None
    has_presence: bool

    @property
    def origins(self) -> tuple[str, ...]:
        """See `Subscriptions`."""
        return (self.url, self.url.replace("http", "ws", 1))

    def of(self, request: ApiRequest, *, with_presence: bool) -> dict[str, Any]:
        """See `Subscriptions`."""
        assert self.tokens
        authorization = request.authorization
        name = authorization.store_name(request.session_id)
        caller = authorization.caller
        presence = (
            supabase_presence_of(caller, name, reads=with_presence) if self.has_presence else None
        )
        token, expires_at_s = self.tokens.issue(
            name, _expiry(caller), presence.claims if presence else {}
        )
        return {
            "transport": "supabase",
            "url": self.url,
            "key": self.key,
            "topic": topic_name(name),
            **token_fields(token, expires_at_s),
            **({"presence": presence.view} if presence else {}),
        }


class SocketSubscriptions:
    """Subscriptions through a WebSocket of this service, with a token only for subscribing."""

    origins = ()

    def of(self, request: ApiRequest, *, with_presence: bool) -> dict[str, Any]:
        """See `Subscriptions`. There is no token if this service can't issue tokens."""
        url = public_url(request, "/ws", socket=True, query=f"sessionId={request.session_id}")
        subscription = {"transport": "websocket", "url": url}
        if not request.components.access_control.can_issue_tokens:
            return subscription
        caller = request.authorization.caller
        lifetime_s = int(max(0, _expiry(caller) - time.time()))
        token, expires_at_s = request.components.access_control.require_issuer().issue(
            TokenKind.SUBSCRIPTION, _as_subscriber(caller, request.session_id), lifetime_s
        )
        return subscription | token_fields(token, expires_at_s)


class PollingSubscriptions:
    """No pushes are available: clients poll with the version that they know."""

    origins = ()

    def of(self, request: ApiRequest, *, with_presence: bool) -> dict[str, Any]:
        """See `Subscriptions`."""
        url = public_url(request, f"/v1/sessions/{request.session_id}")
        return {"transport": "polling", "url": url}


def make_subscriptions(settings: Settings, *, holds_sockets: bool) -> Subscriptions:
    """Return the configured transport; without Supabase, WebSockets in the container and polling
    in functions.

    Ends the process if the container has no key to sign Supabase tokens, or if the signing key is
    malformed. Only functions that issue Supabase tokens have a key.
    """
    if settings.supabase_url and settings.supabase_publishable_key:
        tokens = _supabase_tokens(settings)
        if tokens is None and holds_sockets:
            raise SystemExit(
                "SyncKairos can't start. SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SIGNING_KEY or"
                " SUPABASE_JWT_SECRET to issue tokens for subscriptions."
            )
        url = settings.supabase_url.rstrip("/")
        has_presence = settings.supabase_presence == "on"
        return SupabaseSubscriptions(url, settings.supabase_publishable_key, tokens, has_presence)
    return SocketSubscriptions() if holds_sockets else PollingSubscriptions()


def _supabase_tokens(settings: Settings) -> SupabaseTokenSigner | None:
    if settings.supabase_signing_key:
        try:
            return SupabaseTokenSigner.from_jwk(settings.supabase_signing_key.get_secret_value())
        except ValueError as error:
            raise SystemExit(f"SyncKairos can't start. SUPABASE_SIGNING_KEY: {error}") from None
    if settings.supabase_jwt_secret:
        return SupabaseTokenSigner.from_secret(settings.supabase_jwt_secret.get_secret_value())
    return None


def _expiry(caller: Caller) -> float:
    """Return the expiry of a subscription token, not after the caller's own (s since the epoch).

    The leeway for differing clocks applies to both tokens, so the subscription may outlive the
    caller's expiry by twice the leeway.
    """
    expires_at = time.time() + _LIFETIME_S
    return expires_at if caller.expires_at is None else min(expires_at, caller.expires_at)


def _as_subscriber(caller: Caller, session_id: str) -> Caller:
    """Return the caller as a spectator of that session, who is shown with the caller's role."""
    return Caller(
        Role.SPECTATOR,
        caller.subject or str(caller.role),
        caller.tenant,
        session_id.lower(),
        caller.participant_id,
        follows_for=caller.role,
        token=caller.token,
        key_id=caller.key_id,
    )
