"""The service does what its OpenAPI document says, whatever is sent."""

import re
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from schemathesis import Config, Response

from functions.server import build
from infra.local.instance import Instance
from shared.http.openapi import describe
from shared.settings.settings import Settings
from tests.fuzz.extent import IS_FULL, extent
from tests.fuzz.judging import CHECKS, AnyCase
from tests.support.tokens import bearer, service

_NEVER_ENDS = "/v1/sessions/{session_id}/stream"
"""tests/integration/test_live.py has it."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOST_OF_THEM = 10
"""Of the 16 operations on sessions."""
_EVERYTHING = bearer(service(lifetime_s=86_400))

document = schemathesis.openapi.from_dict(
    describe(build(Settings()).pipeline.routes),
    config=Config.from_dict(
        {
            "headers": _EVERYTHING,
            # The document says what leads where; guesses would start with sessions at random.
            "phases": {"stateful": {"inference": {"algorithms": []}}},
        }
        | ({} if IS_FULL else {"seed": 1})
    ),
).exclude(path=_NEVER_ENDS)


def test_the_service_shows_this_very_document(guarded: Instance) -> None:
    assert httpx.get(f"{guarded.url}/api-docs.json").json() == document.raw_schema


@document.parametrize()
@extent(short=5, full=300)
def test_every_answer_is_a_documented_one(case: AnyCase, guarded: Instance) -> None:
    case.call_and_validate(guarded.url, headers=_EVERYTHING, checks=CHECKS)


def test_what_follows_from_an_answer_works(guarded: Instance) -> None:
    accepted: set[str] = set()

    class Following(document.as_state_machine()):  # type: ignore[misc] # made from the document
        def get_call_kwargs(self, case: AnyCase) -> dict[str, Any]:
            return {"base_url": guarded.url, "headers": _EVERYTHING}

        def before_call(self, case: AnyCase) -> None:
            make_fresh(case)

        def after_call(self, response: Response, case: AnyCase) -> None:
            super().after_call(response, case)
            if response.status_code < 300:
                accepted.add(case.operation.label)

        def validate_response(
            self, response: Response, case: AnyCase, additional_checks: Any = None, **kwargs: Any
        ) -> None:
            case.validate_response(
                response,
                CHECKS,
                headers=_EVERYTHING,
                transport_kwargs=kwargs,
                recorder=self.recorder,
            )

    Following.run(settings=extent(short=40, full=1_000, steps=12))
    # It was no long row of refusals.
    assert len(accepted) >= _MOST_OF_THEM


def make_fresh(case: AnyCase) -> None:
    """Let `case` meet nothing of what went before but the sessions it was led to.

    Else the same scenario would go another way the second time. A version at random is the wrong
    one; the tests of single requests have those.
    """
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if _KEY.fullmatch(case.headers.get("Idempotency-Key", "")):
        case.headers["Idempotency-Key"] = str(uuid4())
    if isinstance(case.body, dict) and _is_uuid(case.body.get("session_id")):
        case.body["session_id"] = str(uuid4())


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and bool(_UUID.fullmatch(value))
