"""One Lambda execution environment: AWS's `awslambdaric` in a child process."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from infra.local.functions.credentials import credential_variables
from infra.local.functions.events import ACCOUNT
from infra.local.functions.runtime_api import FunctionError, RuntimeApi
from infra.local.functions.runtime_process import RuntimeCommand, RuntimeProcess, start_runtime
from infra.local.functions.serverless_config import FunctionConfig
from infra.local.serving import serve

# Lambda allows ten seconds; one machine may have to start many instances at once.
_START_TIMEOUT_S = 60.0
_OUTPUT_DRAIN_TIMEOUT_S = 1.0
_OUTPUT_LINES_KEPT = 30

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LaunchConfig:
    """Start parameters of a function's instances."""

    definition: FunctionConfig
    code: Path
    python: Path
    region: str
    environment: Mapping[str, str]
    write: Callable[[str], None]
    """Called with each line that an instance prints."""

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.definition.full_name}"

    def variables(self, runtime_api: str) -> dict[str, str]:
        """Return the complete environment; only `PATH` comes from the emulator's own."""
        function = self.definition
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONUNBUFFERED": "1",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_LAMBDA_FUNCTION_NAME": function.full_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.full_name}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if function.snap_start else "on-demand",
            "LAMBDA_TASK_ROOT": str(self.code),
            "_HANDLER": function.handler,
            **credential_variables(function.snap_start, runtime_api),
            **self.environment,
        }


class ExecutionEnvironment:
    """One instance. Serves one invocation at a time; can't be restarted after a crash or stop."""

    def __init__(self, launch: LaunchConfig) -> None:
        self._launch = launch
        self._api = RuntimeApi(launch.arn)
        self._output: deque[str] = deque(maxlen=_OUTPUT_LINES_KEPT)
        self._stack = AsyncExitStack()
        self._process: RuntimeProcess | None = None
        self._exit: asyncio.Task[int] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the process runs without an invocation."""
        runs = self._exit is not None and not self._exit.done() and not self._api.failed.done()
        return runs and self._api.current is None

    async def start(self) -> None:
        """Start and initialize; with SnapStart, only to the snapshot. Raises `FunctionError`."""
        server = await self._stack.enter_async_context(serve(self._api.app()))
        launch = self._launch
        command = RuntimeCommand(launch.python, launch.definition.handler, launch.code)
        environment = launch.variables(f"127.0.0.1:{server.port}")
        self._process = await start_runtime(command, environment)
        self._exit = asyncio.create_task(self._watch(self._process))
        snap_start = launch.definition.snap_start
        await self._wait_for(self._api.snapshot_ready if snap_start else self._api.ready)

    async def restore(self) -> None:
        """Restore it from its snapshot, if it waits there. Raises `FunctionError`."""
        self._api.restored.set()
        await self._wait_for(self._api.ready)

    async def invoke(self, event: Any) -> Any:
        """Return the result for `event`. Raises `FunctionError`; check `is_idle` before reuse."""
        timeout_s = self._launch.definition.timeout_s
        result = self._api.submit(event, timeout_s).answer
        try:
            return await self._wait_for(result, timeout_s)
        except TimeoutError:
            message = f"Task timed out after {timeout_s:.2f} seconds"
            raise FunctionError("Sandbox.Timedout", message) from None

    async def stop(self) -> None:
        """Kill the process and wait for its exit."""
        if self._process and self._exit and not self._exit.done():
            self._process.kill()
        if self._exit:
            await self._exit
        self._api.close()
        await self._stack.aclose()

    async def _wait_for(self, future: asyncio.Future[T], timeout_s: float = _START_TIMEOUT_S) -> T:
        """Return the future's result. Raises `FunctionError` if the process fails or exits first,
        and `TimeoutError`."""
        assert self._exit
        futures = (future, self._api.failed, self._exit)
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        if self._api.failed.done():
            failure = self._api.failed.result()
            raise FunctionError(failure.kind, self._with_output(failure.message))
        if self._exit.done():
            message = f"Runtime exited with status {self._exit.result()}"
            raise FunctionError("Runtime.ExitError", self._with_output(message))
        raise TimeoutError

    async def _watch(self, process: RuntimeProcess) -> int:
        """Wait for the exit and the rest of the output, and return the exit status."""
        reading = asyncio.create_task(self._read_output(process.output))
        status = await process.exit_code()
        # A child of the process may keep the pipe open.
        await asyncio.wait([reading], timeout=_OUTPUT_DRAIN_TIMEOUT_S)
        reading.cancel()
        process.close_output()
        return status

    async def _read_output(self, output: asyncio.StreamReader) -> None:
        async for line in output:
            # `awslambdaric` separates the lines of a traceback by carriage returns.
            for text in line.decode(errors="replace").splitlines():
                self._output.append(text)
                self._launch.write(text)

    def _with_output(self, message: str) -> str:
        return "\n".join((message, *self._output))
