"""A cold start of each packaged function loads no more code than it needs."""

from infra.packaging.cold_starts import loaded_source
from infra.packaging.local_build import LocalBuild


def test_a_function_loads_little_more_code_than_fastapi_and_mangum(
    local_build: LocalBuild,
) -> None:
    """Importing is nearly all that a cold start does, so its time follows the code's size."""
    starts = loaded_source(local_build, at_once=2)
    assert {start.function for start in starts} == set(local_build.functions)
    assert [(s.function.name, s.ratio) for s in starts if not s.within_budget] == []
