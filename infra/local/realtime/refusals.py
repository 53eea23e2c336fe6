"""What is refused, and how Supabase words it."""


class Refused(Exception):
    """It is not allowed: `code` names why, `reason` says it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


def signature_is_wrong() -> Refused:
    """Somebody else signed it."""
    return Refused("JwtSignatureError", "Failed to validate JWT signature")


def is_malformed() -> Refused:
    """It is no token at all."""
    return Refused("MalformedJWT", "The token provided is not a valid JWT")


def lacks_claims() -> Refused:
    """It doesn't say as whom, or until when."""
    return Refused("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")


def has_expired(ago_s: int) -> Refused:
    """It is over since `ago_s` seconds."""
    return Refused("InvalidJWTToken", f"Token has expired {ago_s} seconds ago")


def may_not_read(name: str) -> Refused:
    """The project's policies don't let the bearer listen to that topic."""
    reason = f"You do not have permissions to read from this Channel topic: {name}"
    return Refused("Unauthorized", reason)


def policy_failed(error: str) -> Refused:
    """The project's policies can't be decided: one of them raised an error."""
    return Refused("RlsPolicyError", error)


def no_database() -> Refused:
    """The project's Postgres can't be asked."""
    reason = "Realtime was unable to connect to the project database"
    return Refused("UnableToConnectToProject", reason)


def only_private() -> Refused:
    """The project has no public channels."""
    return Refused("PrivateOnly", "This project only allows private channels")


def too_many_channels() -> Refused:
    """This connection has as many as it may."""
    return Refused("ChannelRateLimitReached", "Too many channels")


def too_many_connections() -> Refused:
    """The project has as many as it may."""
    return Refused("ConnectionRateLimitReached", "Too many connected users")


def too_many_joins() -> Refused:
    """Joins come faster than they may."""
    return Refused("ClientJoinRateLimitReached", "Too many joins per second")
