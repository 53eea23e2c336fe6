"""Errors in Supabase Realtime's wording."""


class RealtimeError(Exception):
    """Realtime's error `code` and its text, `reason`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


def invalid_signature() -> RealtimeError:
    """The token's signature is invalid."""
    return RealtimeError("JwtSignatureError", "Failed to validate JWT signature")


def malformed_jwt() -> RealtimeError:
    """The token isn't a JWT."""
    return RealtimeError("MalformedJWT", "The token provided is not a valid JWT")


def missing_claims() -> RealtimeError:
    """The token lacks `role` or `exp`."""
    return RealtimeError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")


def token_expired(ago_s: int) -> RealtimeError:
    """The token expired `ago_s` seconds ago."""
    return RealtimeError("InvalidJWTToken", f"Token has expired {ago_s} seconds ago")


def unauthorized(name: str) -> RealtimeError:
    """The project's policies deny reading from the topic `name`."""
    reason = f"You do not have permissions to read from this Channel topic: {name}"
    return RealtimeError("Unauthorized", reason)


def policy_failed(error: str) -> RealtimeError:
    """A policy of the project raised an error."""
    return RealtimeError("RlsPolicyError", error)


def database_unavailable() -> RealtimeError:
    """The project's Postgres is unavailable."""
    reason = "Realtime was unable to connect to the project database"
    return RealtimeError("UnableToConnectToProject", reason)


def private_only() -> RealtimeError:
    """The project doesn't allow public channels."""
    return RealtimeError("PrivateOnly", "This project only allows private channels")


def too_many_channels() -> RealtimeError:
    """The connection has reached its limit of channels."""
    return RealtimeError("ChannelRateLimitReached", "Too many channels")


def too_many_connections() -> RealtimeError:
    """The project has reached its limit of connections."""
    return RealtimeError("ConnectionRateLimitReached", "Too many connected users")


def too_many_joins() -> RealtimeError:
    """The project has reached its rate limit of joins."""
    return RealtimeError("ClientJoinRateLimitReached", "Too many joins per second")
