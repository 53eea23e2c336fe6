"""Secrets of the functions: SecureStrings in AWS Systems Manager Parameter Store."""

from typing import Any

import boto3

_PAGE_SIZE = 10
"""The maximum of GetParametersByPath."""


def names(stage: str, region: str) -> set[str]:
    """Return the names of the stage's secrets. Raises boto3's exceptions."""
    paginator = _client(region).get_paginator("get_parameters_by_path")
    path, paging = f"/synckairos/{stage}", {"PageSize": _PAGE_SIZE}
    pages = paginator.paginate(Path=path, WithDecryption=False, PaginationConfig=paging)
    return {one["Name"].rpartition("/")[2] for page in pages for one in page["Parameters"]}


def write(stage: str, region: str, values: dict[str, str]) -> None:
    """Set secrets; instances started from now on use them. Raises boto3's exceptions."""
    client = _client(region)
    for name, value in values.items():
        client.put_parameter(
            Name=f"/synckairos/{stage}/{name}", Value=value, Type="SecureString", Overwrite=True
        )


def _client(region: str) -> Any:
    return boto3.client("ssm", region_name=region)
