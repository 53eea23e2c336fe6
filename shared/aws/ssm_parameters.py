"""Secret settings from SSM Parameter Store, so that no template or package contains them."""

import os
from collections.abc import Sequence

from shared.aws.client import AwsClient

_MOST_AT_ONCE = 10


class MissingParameters(Exception):
    """Some parameters are not in the store; the message names them."""


async def load_ssm_parameters(aws: AwsClient) -> None:
    """Set the variables listed in `SSM_NAMES` from the parameters under `SSM_PATH`.

    Variables that are already set stay as they are. Raises `AwsCallFailed` and `MissingParameters`.
    """
    path = os.environ.get("SSM_PATH", "")
    names = [name for name in os.environ.get("SSM_NAMES", "").split(",") if name]
    wanted = [f"{path}/{name}" for name in names if name not in os.environ]
    for start in range(0, len(wanted), _MOST_AT_ONCE):
        await _read(aws, wanted[start : start + _MOST_AT_ONCE])


async def _read(aws: AwsClient, paths: Sequence[str]) -> None:
    request = {"Names": list(paths), "WithDecryption": True}
    answer = await aws.call("ssm", "AmazonSSM.GetParameters", "1.1", request)
    if missing := answer["InvalidParameters"]:
        raise MissingParameters(f"not in the parameter store: {', '.join(sorted(missing))}")
    for parameter in answer["Parameters"]:
        os.environ[parameter["Name"].rpartition("/")[2]] = parameter["Value"]
