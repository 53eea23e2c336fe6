"""What a project's Realtime may be told to be like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.supabase import JWT_SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything has a sensible default; a limit that is None isn't one."""

    port: int | None = None
    """Where to listen on loopback; a free port if it is not said."""
    jwt_secret: str = JWT_SECRET
    """The project's own, which signs tokens (HS256)."""
    signing_keys: Sequence[Mapping[str, Any]] = ()
    """JWKs that were imported into the project, each with its `kid`; the public half will do."""
    private_only: bool = False
    """Whether "Allow public access" is off in the project's settings."""
    error_backoff_s: float = 0.0
    """How long one whose join is refused waits for the answer: 5 s at Supabase."""
    connections: int | None = None
    """How many sockets there may be at once."""
    channels_per_connection: int | None = None
    joins_per_s: int | None = None
    messages_per_s: int | None = None
    """Messages that are sent, by HTTP or through sockets; deliveries don't count."""
    max_payload_bytes: int | None = None
    """Of a message, as JSON."""
    queue_frames: int = 1000
    """How many frames wait for a client that doesn't read; with one more it is cut off."""
