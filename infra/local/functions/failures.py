"""What can go wrong with an invocation.

LocalFailure
|- FunctionFailed   the function answered with an error, crashed, or took too long
|- NoneAvailable    every instance that there may be was busy for too long
`- NotUnderstood    serverless.yml says something that the local stand-in does not know
"""


class LocalFailure(Exception):
    """Anything below."""


class FunctionFailed(LocalFailure):
    """An invocation had no result; `kind` is Lambda's `errorType`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class NoneAvailable(LocalFailure):
    """No instance became free in time."""


class NotUnderstood(LocalFailure):
    """The message names what it is."""
