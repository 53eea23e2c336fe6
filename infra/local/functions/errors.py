"""Errors of the emulator.

LocalFailure
|- FunctionFailed   the function returned an error, crashed or timed out
|- NoneAvailable    no instance became free in time (concurrency limit)
`- NotUnderstood    serverless.yml uses something that the emulator doesn't support
"""


class EmulatorError(Exception):
    """Base class."""


class FunctionError(EmulatorError):
    """An invocation or a start failed. `kind` is Lambda's `errorType`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class ConcurrencyLimitExceeded(EmulatorError):
    """No instance became free in time, or the function is shutting down."""


class UnsupportedConfiguration(EmulatorError):
    """The message names the unsupported setting."""
