"""The process of a Lambda function: what it keeps between invocations, and its handler."""

import asyncio
import gc
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from typing import Any

import httpx
from snapshot_restore_py import register_after_restore, register_before_snapshot

from shared.application.errors import StoreUnavailable
from shared.application.ports.metrics import Metrics
from shared.aws.client import AwsCallFailed, AwsClient
from shared.aws.ssm_parameters import MissingParameters, load_ssm_parameters
from shared.composition.function import build_function_backend
from shared.observability.cloudwatch import EmfMetrics
from shared.observability.logging import configure_logging
from shared.settings.production import require_secure_secrets
from shared.settings.settings import Settings, read_settings

_invocation: ContextVar[dict[str, Any] | None] = ContextVar("invocation", default=None)
_served = False


class FunctionInstance:
    """The components of the function, and the event loop that runs them.

    A snapshot of the process may be restored later, several times: the connections are then
    closed, and the measured clock offset is out of date.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        certificates = httpx.create_ssl_context()  # shared: creating it costs a round trip's time
        self._aws = AwsClient(certificates)
        self.settings = self._read_settings()
        configure_logging(self.settings.log_level, _log_fields)
        self.metrics: Metrics = EmfMetrics()
        self.backend, self._store_connection = build_function_backend(
            self.settings, self.metrics, self._aws, certificates
        )
        register_before_snapshot(self.before_snapshot)
        register_after_restore(self.after_restore)

    def before_snapshot(self) -> None:
        """Close all connections."""
        self.loop.run_until_complete(self._close())

    def after_restore(self) -> None:
        """Open new connections, and measure the store's clock again."""
        self._aws.reopen()
        self._store_connection.reopen()
        if self.backend.pushes:
            self.backend.pushes.publisher.reopen()
        self.backend.clock.forget()
        with suppress(StoreUnavailable):
            self.loop.run_until_complete(self.backend.store.time())

    async def _close(self) -> None:
        await self.backend.close()
        await self._aws.close()

    def _read_settings(self) -> Settings:
        try:
            self.loop.run_until_complete(load_ssm_parameters(self._aws))
        except (AwsCallFailed, MissingParameters) as error:
            raise SystemExit(f"SyncKairos can't start. {error}") from None
        settings = read_settings()
        require_secure_secrets(settings)
        return settings


@cache
def instance() -> FunctionInstance:
    """Return the instance of this process."""
    return FunctionInstance()


class LambdaFunction(ABC):
    """A handler of Lambda events. It starts up at import on Lambda, elsewhere at the first call."""

    def __init__(self) -> None:
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # on AWS or in the local emulation
            self.start()
            gc.freeze()  # exempts all objects made so far from garbage collection
            gc.enable()

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Handle one invocation, with its fields in each log line; a process's first is cold."""
        global _served
        request_id = getattr(context, "aws_request_id", None)
        _invocation.set({"invocation_id": request_id, "start": "warm" if _served else "cold"})
        _served = True
        return self.handle(event, context)

    def start(self) -> None:
        """Build everything that invocations need."""
        instance()

    @abstractmethod
    def handle(self, event: dict[str, Any], context: Any) -> Any:
        """Handle one invocation."""


def _log_fields() -> dict[str, Any]:
    function = {"function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")}
    return function | (_invocation.get() or {})
