"""A cold start of a packaged function loads no more code than it needs."""

from infra.packaging.cold_starts import loaded_source
from infra.packaging.local_build import LocalBuild

_EXAMPLES = ("switch", "create", "docs", "expire")
"""Endpoints with and without bodies, the one that knows all routes, and a worker."""


def test_a_function_loads_little_more_code_than_fastapi_and_mangum(
    local_build: LocalBuild,
) -> None:
    """Importing is nearly all that a cold start does, so its time follows the code's size."""
    functions = [function for function in local_build.functions if function.name in _EXAMPLES]
    starts = loaded_source(local_build, functions, at_once=2)
    assert {start.function.name for start in starts} == set(_EXAMPLES)
    assert [(s.function.name, s.ratio) for s in starts if not s.within_budget] == []
