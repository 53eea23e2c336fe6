"""Errors in Supabase Realtime's wording."""


class Refused(Exception):
    """Realtime's error `code` and its text, `reason`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


def signature_is_wrong() -> Refused:
    """The token's signature is invalid."""
    return Refused("JwtSignatureError", "Failed to validate JWT signature")


def is_malformed() -> Refused:
    """The token isn't a JWT."""
    return Refused("MalformedJWT", "The token provided is not a valid JWT")


def lacks_claims() -> Refused:
    """The token lacks `role` or `exp`."""
    return Refused("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")


def has_expired(ago_s: int) -> Refused:
    """The token expired `ago_s` seconds ago."""
    return Refused("InvalidJWTToken", f"Token has expired {ago_s} seconds ago")


def may_not_read(name: str) -> Refused:
    """The project's policies deny reading from the topic `name`."""
    reason = f"You do not have permissions to read from this Channel topic: {name}"
    return Refused("Unauthorized", reason)


def policy_failed(error: str) -> Refused:
    """A policy of the project raised an error."""
    return Refused("RlsPolicyError", error)


def no_database() -> Refused:
    """The project's Postgres is unavailable."""
    reason = "Realtime was unable to connect to the project database"
    return Refused("UnableToConnectToProject", reason)


def only_private() -> Refused:
    """The project doesn't allow public channels."""
    return Refused("PrivateOnly", "This project only allows private channels")


def too_many_channels() -> Refused:
    """The connection has reached its limit of channels."""
    return Refused("ChannelRateLimitReached", "Too many channels")


def too_many_connections() -> Refused:
    """The project has reached its limit of connections."""
    return Refused("ConnectionRateLimitReached", "Too many connected users")


def too_many_joins() -> Refused:
    """The project has reached its rate limit of joins."""
    return Refused("ClientJoinRateLimitReached", "Too many joins per second")
