"""SQS and Systems Manager Parameter Store, emulated by moto in a child process."""

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
from infra.local.functions.events import ACCOUNT
from infra.local.functions.serverless_config import QueueConfig
from infra.local.ports import free_port

_START_TIMEOUT_S = 30.0
_POLL_S = 0.05
# Longer than the long polls of `QueuePoller`.
_TIMEOUT_S = 30.0


class SqsSsmClient:
    """Client of SQS and SSM (AWS JSON protocol 1.0)."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        # The endpoint is plain HTTP on loopback: skip loading CA certificates, and use no proxy.
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, verify=False, trust_env=False)  # nosec B501
        self._signers = {s: AWS4Auth(KEY_ID, SECRET, region, s) for s in ("sqs", "ssm")}

    async def sqs(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Call an SQS action. Raises `httpx.HTTPError`."""
        return await self._call("sqs", f"AmazonSQS.{action}", parameters)

    async def create_queues(self, queues: Mapping[str, QueueConfig]) -> dict[str, str]:
        """Create `queues` and return their URLs by resource name."""
        urls = {}
        # Dead-letter queues first: a redrive policy must name an existing queue.
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

    def queue_arn(self, queue: QueueConfig) -> str:
        """Return a queue's ARN."""
        return f"arn:aws:sqs:{self.region}:{ACCOUNT}:{queue.queue_name}"

    async def put_secrets(self, path: str, secrets: Mapping[str, str]) -> None:
        """Store `secrets` under `path` in Parameter Store, as SecureStrings."""
        for name, value in secrets.items():
            parameter = {"Name": f"{path}/{name}", "Value": value, "Type": "SecureString"}
            await self._call("ssm", "AmazonSSM.PutParameter", parameter | {"Overwrite": True})

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(self, service: str, target: str, parameters: Any) -> dict[str, Any]:
        response = await self._http.post(
            self.endpoint,
            content=json.dumps(parameters).encode(),
            headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"},
            auth=self._signers[service],
        )
        response.raise_for_status()
        return dict(response.json()) if response.content else {}


@asynccontextmanager
async def run_moto(region: str) -> AsyncIterator[SqsSsmClient]:
    """Run moto on a free port; enter the block once it answers."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.local.functions.moto_server", str(port)),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    aws = SqsSsmClient(f"http://127.0.0.1:{port}", region)
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not await _is_ready(aws):
                await asyncio.sleep(_POLL_S)
        yield aws
    finally:
        if process.returncode is None:
            process.kill()
        with CancelScope(shield=True):
            await aws.close()
            await process.wait()


async def _is_ready(aws: SqsSsmClient) -> bool:
    try:
        await aws.sqs("ListQueues")
    except httpx.TransportError:
        return False
    return True
