"""moto's AWS in a process of its own, and what we ask of it: queues and parameters."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from anyio import CancelScope
from httpx_auth import AWS4Auth

from infra.local.functions.credentials import KEY_ID, SECRET
from infra.local.functions.definitions import Queue
from infra.local.functions.events import ACCOUNT
from infra.local.ports import free_port

_START_LIMIT_S = 30.0
_POLL_S = 0.05
# Longer than any long poll.
_TIMEOUT_S = 30.0


class Aws:
    """A client of the JSON protocol that SQS and SSM share."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        # No certificates to load, and no proxy between us and this machine.
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, verify=False, trust_env=False)  # nosec B501
        self._signers = {s: AWS4Auth(KEY_ID, SECRET, region, s) for s in ("sqs", "ssm")}

    async def sqs(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Have SQS do something. Raises `httpx.HTTPError`."""
        return await self._call("sqs", f"AmazonSQS.{action}", parameters)

    async def create_queues(self, queues: Mapping[str, Queue]) -> dict[str, str]:
        """The addresses of `queues`, made in an order in which dead letters have where to go."""
        urls = {}
        for queue in sorted(queues.values(), key=lambda q: q.dead_letters is not None):
            attributes = {"VisibilityTimeout": str(queue.visibility_s)}
            if queue.dead_letters:
                arn = self.queue_arn(queues[queue.dead_letters])
                redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": queue.max_receives}
                attributes["RedrivePolicy"] = json.dumps(redrive)
            created = await self.sqs(
                "CreateQueue", QueueName=queue.queue_name, Attributes=attributes
            )
            urls[queue.name] = str(created["QueueUrl"])
        return urls

    def queue_arn(self, queue: Queue) -> str:
        """A queue's name in AWS."""
        return f"arn:aws:sqs:{self.region}:{ACCOUNT}:{queue.queue_name}"

    async def put_secrets(self, path: str, secrets: Mapping[str, str]) -> None:
        """Keep `secrets` in the parameter store, encrypted."""
        for name, value in secrets.items():
            parameter = {"Name": f"{path}/{name}", "Value": value, "Type": "SecureString"}
            await self._call("ssm", "AmazonSSM.PutParameter", parameter | {"Overwrite": True})

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _call(self, service: str, target: str, parameters: Any) -> dict[str, Any]:
        answer = await self._http.post(
            self.endpoint,
            content=json.dumps(parameters).encode(),
            headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"},
            auth=self._signers[service],
        )
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}


@asynccontextmanager
async def local_aws(region: str) -> AsyncIterator[Aws]:
    """AWS on a free port, from when it answers to the end of the block."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.local.functions.moto_server", str(port)),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    aws = Aws(f"http://127.0.0.1:{port}", region)
    try:
        async with asyncio.timeout(_START_LIMIT_S):
            while not await _answers(aws):
                await asyncio.sleep(_POLL_S)
        yield aws
    finally:
        if process.returncode is None:
            process.kill()
        with CancelScope(shield=True):
            await aws.close()
            await process.wait()


async def _answers(aws: Aws) -> bool:
    try:
        await aws.sqs("ListQueues")
    except httpx.TransportError:
        return False
    return True
