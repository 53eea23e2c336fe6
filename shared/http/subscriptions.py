"""How a client is to follow a session (API §3): by what carries pushes where this service runs."""

import time
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from shared.access.callers import Caller, Role
from shared.access.permits import Permit
from shared.access.supabase_tokens import SupabaseTokens
from shared.access.tokens import Kind
from shared.http.answers import token_fields
from shared.http.client_address import public_url
from shared.http.gate import Gate
from shared.realtime.topics import topic_of
from shared.settings import Settings

_LIFETIME_S = 600
"""Of a token that only listens: who holds it can't be turned away sooner."""


class Subscriptions(Protocol):
    """One way for clients to follow sessions."""

    @property
    def origins(self) -> tuple[str, ...]:
        """What a page must be allowed to connect to besides this service."""

    def of(
        self, request: HTTPConnection, permit: Permit, session_id: str, gate: Gate
    ) -> dict[str, Any]:
        """What the caller whom `permit` names needs to follow the session.

        `gate` makes tokens where they are of this service.
        """


@dataclass(frozen=True, slots=True)
class SupabaseSubscriptions:
    """Through the project at `url`, to which clients show its publishable `key`.

    Those who only need to know where that is have no `tokens`.
    """

    url: str
    key: str
    tokens: SupabaseTokens | None

    @property
    def origins(self) -> tuple[str, ...]:
        """See `Subscriptions`."""
        return (self.url, self.url.replace("http", "ws", 1))

    def of(
        self, request: HTTPConnection, permit: Permit, session_id: str, gate: Gate
    ) -> dict[str, Any]:
        """See `Subscriptions`."""
        assert self.tokens
        name = permit.name_of(session_id)
        token, expires_at_s = self.tokens.mint(name, _good_until(permit.caller))
        return {
            "transport": "supabase",
            "url": self.url,
            "key": self.key,
            "topic": topic_of(name),
            **token_fields(token, expires_at_s),
        }


class SocketSubscriptions:
    """Through a WebSocket of this service, for which the token says no more than who listens."""

    origins = ()

    def of(
        self, request: HTTPConnection, permit: Permit, session_id: str, gate: Gate
    ) -> dict[str, Any]:
        """See `Subscriptions`. Where nobody is asked who they are, there is no token."""
        url = public_url(request, "/ws", socket=True, query=f"sessionId={session_id}")
        found = {"transport": "websocket", "url": url}
        caller = permit.caller
        if not gate.mints:
            return found
        lifetime_s = int(max(0, _good_until(caller) - time.time()))
        token, expires_at_s = gate.mint(
            Kind.SUBSCRIPTION, _listener(caller, session_id), lifetime_s
        )
        return found | token_fields(token, expires_at_s)


class NoSubscriptions:
    """Nothing is pushed here: clients ask, with the version that they know."""

    origins = ()

    def of(
        self, request: HTTPConnection, permit: Permit, session_id: str, gate: Gate
    ) -> dict[str, Any]:
        """See `Subscriptions`."""
        return {
            "transport": "polling",
            "url": public_url(request, f"/v1/sessions/{session_id}"),
        }


def subscriptions(settings: Settings, *, holds_sockets: bool) -> Subscriptions:
    """The way that `settings` ask for; without Supabase it depends on who serves.

    A function has what signs tokens only where it makes any. Ends the process of one that serves
    everything where that is missing.
    """
    if settings.supabase_url and settings.supabase_publishable_key:
        tokens = _supabase_tokens(settings)
        if tokens is None and holds_sockets:
            raise SystemExit(
                "SyncKairos can't start. SUPABASE_PUBLISHABLE_KEY needs SUPABASE_SIGNING_KEY or"
                " SUPABASE_JWT_SECRET, to make tokens for those who listen."
            )
        url = settings.supabase_url.rstrip("/")
        return SupabaseSubscriptions(url, settings.supabase_publishable_key, tokens)
    return SocketSubscriptions() if holds_sockets else NoSubscriptions()


def _supabase_tokens(settings: Settings) -> SupabaseTokens | None:
    if settings.supabase_signing_key:
        try:
            return SupabaseTokens.by_signing_key(settings.supabase_signing_key.get_secret_value())
        except ValueError as error:
            raise SystemExit(f"SyncKairos can't start. SUPABASE_SIGNING_KEY: {error}") from None
    if settings.supabase_jwt_secret:
        return SupabaseTokens.by_secret(settings.supabase_jwt_secret.get_secret_value())
    return None


def _good_until(caller: Caller) -> float:
    """When a token that `caller` gets to listen with ends: not after its own, s since the epoch.

    The grace for clocks that differ applies to either, so to both of them twice.
    """
    until = time.time() + _LIFETIME_S
    return until if caller.expires_at is None else min(until, caller.expires_at)


def _listener(caller: Caller, session_id: str) -> Caller:
    """The caller as one who listens to that session and may do nothing else."""
    subject = caller.subject or str(caller.role)
    return Caller(Role.SPECTATOR, subject, caller.tenant, session_id.lower())
