"""Secrets of functions: SecureStrings of AWS's parameter store."""

from typing import Any

import boto3

_MOST = 10
"""A page of names, as AWS gives them."""


def names(stage: str, region: str) -> set[str]:
    """Those that are set. Raises what boto3 does."""
    pages = _client(region).get_paginator("get_parameters_by_path")
    path = f"/synckairos/{stage}"
    found = pages.paginate(Path=path, WithDecryption=False, PaginationConfig={"PageSize": _MOST})
    return {one["Name"].rpartition("/")[2] for page in found for one in page["Parameters"]}


def write(stage: str, region: str, values: dict[str, str]) -> None:
    """Set them; instances that start from now on read them. Raises what boto3 does."""
    client = _client(region)
    for name, value in values.items():
        client.put_parameter(
            Name=f"/synckairos/{stage}/{name}", Value=value, Type="SecureString", Overwrite=True
        )


def _client(region: str) -> Any:
    return boto3.client("ssm", region_name=region)
