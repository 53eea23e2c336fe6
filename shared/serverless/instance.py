"""One instance of a function: what it keeps from one invocation to the next."""

import asyncio
import gc
import os
from contextlib import suppress
from functools import cache

import httpx
from snapshot_restore_py import register_after_restore, register_before_snapshot

from shared.aws.client import AwsClient, AwsFailed
from shared.aws.parameters import ParametersMissing, read_into_environment
from shared.composition.function import function
from shared.errors import StoreUnavailable
from shared.metrics.emf import EmfMetrics
from shared.metrics.ports import Metrics
from shared.production import require_sound_secrets
from shared.serverless import invocation_log
from shared.settings import Settings, read_settings


class Instance:
    """The parts of the function, and the one loop that runs everything.

    A snapshot of it may be restored at any later time, many times over: its connections are then
    closed, and its measure of the store's clock is out of date.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        certificates = httpx.create_ssl_context()  # takes as long as a round trip: made once
        self._aws = AwsClient(certificates)
        self.settings = self._read_settings()
        invocation_log.configure(self.settings.log_level)
        self.metrics: Metrics = EmfMetrics()
        self._parts = function(self.settings, self.metrics, self._aws, certificates)
        self.backend = self._parts.backend
        register_before_snapshot(self.before_snapshot)
        register_after_restore(self.after_restore)

    def before_snapshot(self) -> None:
        """Close every connection."""
        self.loop.run_until_complete(self._close())

    def after_restore(self) -> None:
        """Make fresh connections, and measure the store's clock anew."""
        self._aws.reopen()
        self._parts.reopen()
        with suppress(StoreUnavailable):
            self.loop.run_until_complete(self.backend.store.time())

    async def _close(self) -> None:
        await self.backend.close()
        await self._aws.close()

    def _read_settings(self) -> Settings:
        try:
            self.loop.run_until_complete(read_into_environment(self._aws))
        except (AwsFailed, ParametersMissing) as error:
            raise SystemExit(f"SyncKairos can't start. {error}") from None
        settings = read_settings()
        require_sound_secrets(settings)
        return settings


@cache
def instance() -> Instance:
    """This process' own."""
    return Instance()


def started() -> Instance:
    """This process' own, at the end of its start: what it made is never looked through again."""
    here = instance()
    gc.freeze()
    gc.enable()
    return here


def is_on_lambda() -> bool:
    """Whether this process serves a function, here or at AWS."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
