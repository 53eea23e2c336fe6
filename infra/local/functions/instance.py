"""One instance of a function: AWS's own `awslambdaric` in a process of its own."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from infra.local.functions.credentials import credential_variables
from infra.local.functions.definitions import Definition
from infra.local.functions.events import ACCOUNT
from infra.local.functions.failures import FunctionFailed
from infra.local.functions.runtime_api import RuntimeApi
from infra.local.functions.serving import served

# Lambda gives ten seconds; this machine may be starting many at once.
_START_LIMIT_S = 60.0
_REST_OF_OUTPUT_S = 1.0
_LONGEST_LINE = 16 * 1024 * 1024
_LINES_KEPT = 30

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start an instance of one function."""

    definition: Definition
    code: Path
    python: Path
    region: str
    environment: Mapping[str, str]
    write: Callable[[str], None]
    """Gets each line that it prints."""

    @property
    def arn(self) -> str:
        """The function's name in AWS."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.definition.full_name}"

    def variables(self, runtime_api: str) -> dict[str, str]:
        """The whole environment: as on Lambda, nothing of ours but where programs are."""
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


class Instance:
    """It serves one invocation at a time; when it crashes or is stopped, it is done with."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._api = RuntimeApi(launch.arn)
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._stack = AsyncExitStack()
        self._process: Process | None = None
        self._end: asyncio.Task[int] | None = None

    @property
    def process_id(self) -> int | None:
        """Its process, once it has one."""
        return self._process.pid if self._process else None

    @property
    def is_idle(self) -> bool:
        """Whether it lives and has nothing to do."""
        lives = self._end is not None and not self._end.done() and not self._api.failed.done()
        return lives and self._api.current is None

    async def start(self) -> None:
        """Start up to where it asks for work, or where its snapshot is. Raises `FunctionFailed`."""
        port = await self._stack.enter_async_context(served(self._api.app()))
        launch = self._launch
        self._process = await asyncio.create_subprocess_exec(
            *(str(launch.python), "-m", "awslambdaric", launch.definition.handler),
            cwd=launch.code,
            env=launch.variables(f"127.0.0.1:{port}"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            limit=_LONGEST_LINE,
            # Ctrl-C reaches every process of the terminal; this one is ended by us.
            start_new_session=True,
        )
        self._end = asyncio.create_task(self._watch(self._process))
        snap_start = launch.definition.snap_start
        await self._until(self._api.at_snapshot if snap_start else self._api.ready)

    async def restore(self) -> None:
        """Let it go on from its snapshot, if it waits there. Raises `FunctionFailed`."""
        self._api.restored.set()
        await self._until(self._api.ready)

    async def invoke(self, event: Any) -> Any:
        """What it answers to `event`. Raises `FunctionFailed`; it may be dead then."""
        timeout_s = self._launch.definition.timeout_s
        answer = self._api.submit(event, timeout_s).answer
        try:
            return await self._until(answer, timeout_s)
        except TimeoutError:
            message = f"Task timed out after {timeout_s:.2f} seconds"
            raise FunctionFailed("Sandbox.Timedout", message) from None

    async def stop(self) -> None:
        """End it at once, as Lambda does."""
        if self._process and self._end and not self._end.done():
            self._process.kill()
        if self._end:
            await self._end
        self._api.close()
        await self._stack.aclose()

    async def _until(self, hoped_for: asyncio.Future[T], limit_s: float = _START_LIMIT_S) -> T:
        assert self._end
        either = (hoped_for, self._api.failed, self._end)
        await asyncio.wait(either, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if hoped_for.done():
            return hoped_for.result()
        if self._api.failed.done():
            failure = self._api.failed.result()
            raise FunctionFailed(failure.kind, self._with_output(failure.message))
        if self._end.done():
            message = f"Runtime exited with status {self._end.result()}"
            raise FunctionFailed("Runtime.ExitError", self._with_output(message))
        raise TimeoutError

    async def _watch(self, process: Process) -> int:
        """The exit status, when it has one and all that was printed is read."""
        reading = asyncio.create_task(self._read(process))
        status = await process.wait()
        # A child of its own may hold the pipe open for longer.
        await asyncio.wait([reading], timeout=_REST_OF_OUTPUT_S)
        reading.cancel()
        return status

    async def _read(self, process: Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            # `awslambdaric` parts the lines of a traceback by carriage returns.
            for text in line.decode(errors="replace").splitlines():
                self._said.append(text)
                self._launch.write(text)

    def _with_output(self, message: str) -> str:
        return "\n".join((message, *self._said))
