"""Secret settings from SSM Parameter Store, so that no template or package contains them.

A function needs one call for all its secrets. Parameter Store answers 40 such calls a second in an
account and region, so that a burst of cold starts is throttled and must try again.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.aws.client import AwsCallFailed, AwsClient

_MOST_AT_ONCE = 10

_MAX_PAUSES_S = (0.2, 0.4, 0.8, 1.6)
"""Longest pause before each retry. With 1 s for a call, five attempts take at most 8 s.

Lambda gives a function 10 s to start.
"""

Sleep = Callable[[float], Awaitable[object]]


class MissingParameters(Exception):
    """Some parameters are not in the store; the message names them."""


async def load_ssm_parameters(aws: AwsClient, sleep: Sleep = asyncio.sleep) -> None:
    """Set the variables listed in `SSM_NAMES` from the parameters under `SSM_PATH`.

    Variables that are already set stay as they are. A call that may succeed later is repeated, up
    to four times. Raises `AwsCallFailed` and `MissingParameters`.
    """
    path = os.environ.get("SSM_PATH", "")
    names = [name for name in os.environ.get("SSM_NAMES", "").split(",") if name]
    wanted = [f"{path}/{name}" for name in names if name not in os.environ]
    for start in range(0, len(wanted), _MOST_AT_ONCE):
        await _read(aws, wanted[start : start + _MOST_AT_ONCE], sleep)


async def _read(aws: AwsClient, paths: Sequence[str], sleep: Sleep) -> None:
    answer = await _call(aws, {"Names": list(paths), "WithDecryption": True}, sleep)
    if missing := answer["InvalidParameters"]:
        raise MissingParameters(f"not in the parameter store: {', '.join(sorted(missing))}")
    for parameter in answer["Parameters"]:
        os.environ[parameter["Name"].rpartition("/")[2]] = parameter["Value"]


async def _call(aws: AwsClient, request: dict[str, Any], sleep: Sleep) -> Any:
    """Call until it succeeds or another attempt makes no sense.

    The pauses are random up to a limit that doubles ("full jitter"), so that functions that start
    at the same time don't try again at the same time.
    """
    for longest_s in _MAX_PAUSES_S:
        try:
            return await aws.call("ssm", "AmazonSSM.GetParameters", "1.1", request)
        except AwsCallFailed as error:
            if not error.is_temporary:
                raise
        await sleep(random.uniform(0, longest_s))
    return await aws.call("ssm", "AmazonSSM.GetParameters", "1.1", request)
