"""Secrets of the functions: SecureStrings in AWS Systems Manager Parameter Store."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import boto3

_PAGE_SIZE = 10
"""The maximum of GetParametersByPath and of DeleteParameters."""


def names(stage: str, region: str) -> set[str]:
    """Return the names of the stage's secrets. Raises boto3's exceptions."""
    return {one["Name"].rpartition("/")[2] for one in _parameters(stage, region)}


def version(stage: str, region: str) -> str:
    """Return a text that changes with every change of one of the stage's secrets.

    It is made of names, versions and dates, without the values. Raises boto3's exceptions.
    """
    changes = sorted(
        f"{one['Name']} {one['Version']} {one['LastModifiedDate'].isoformat()}"
        for one in _parameters(stage, region)
    )
    return hashlib.sha256("\n".join(changes).encode()).hexdigest()[:12]


def write(stage: str, region: str, values: dict[str, str]) -> None:
    """Set secrets, for instances that start from now on. Raises boto3's exceptions."""
    client = _client(region)
    for name, value in values.items():
        client.put_parameter(
            Name=f"/synckairos/{stage}/{name}", Value=value, Type="SecureString", Overwrite=True
        )


def delete(stage: str, region: str, names: Sequence[str]) -> None:
    """Delete secrets; names that don't exist are ignored. Raises boto3's exceptions."""
    client = _client(region)
    paths = [f"/synckairos/{stage}/{name}" for name in names]
    for first in range(0, len(paths), _PAGE_SIZE):
        client.delete_parameters(Names=paths[first : first + _PAGE_SIZE])


def _parameters(stage: str, region: str) -> Iterator[dict[str, Any]]:
    """Yield the stage's parameters, with values that are still encrypted."""
    paginator = _client(region).get_paginator("get_parameters_by_path")
    path, paging = f"/synckairos/{stage}", {"PageSize": _PAGE_SIZE}
    for page in paginator.paginate(Path=path, WithDecryption=False, PaginationConfig=paging):
        yield from page["Parameters"]


def _client(region: str) -> Any:
    return boto3.client("ssm", region_name=region)
