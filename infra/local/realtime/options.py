"""Options of a local Realtime project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.supabase import JWT_SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeOptions:
    """Options of a local Realtime project. A limit of `None` is no limit."""

    port: int | None = None
    """Loopback port; `None`: a free one."""
    jwt_secret: str = JWT_SECRET
    """The project's JWT secret (HS256)."""
    signing_keys: Sequence[Mapping[str, Any]] = ()
    """JWKs imported into the project as signing keys, with `kid`; public keys suffice."""
    private_only: bool = False
    """Whether "Allow public access" is off in the project's Realtime settings."""
    rejection_delay_s: float = 0.0
    """Delay of the reply to a rejected join; 5 s at Supabase."""
    connections: int | None = None
    """Maximum concurrent WebSockets."""
    max_channels_per_connection: int | None = None
    joins_per_s: int | None = None
    messages_per_s: int | None = None
    """Messages sent by HTTP or WebSocket; deliveries don't count."""
    max_payload_bytes: int | None = None
    """Maximum size of a message's payload, as JSON."""
    queue_frames: int = 1000
    """Frames queued for a slow client; one more, and it is disconnected."""
