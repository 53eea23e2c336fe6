"""The service conforms to its OpenAPI document, for random requests."""

import re
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from schemathesis import Config, GenerationMode, Response

from functions.server import build
from infra.local.instance import Instance
from shared.http.openapi.document import openapi_document
from shared.settings.settings import Settings
from tests.fuzz.extent import IS_FULL, extent
from tests.fuzz.judging import CHECKS, AnyCase
from tests.support.tokens import bearer, service

_ENDLESS_STREAM = "/v1/sessions/{session_id}/stream"
"""Tested in tests/integration/test_live.py."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MIN_ACCEPTED = 10
"""Of the 16 operations on sessions; fewer would mean that most requests were refused."""
_RULES = (
    "time_control",
    "start_at",
    "ends_at",
    "closes_at",
    "extend_on_switch",
    "items",
    "programme",
    "repeat",
    "rounds",
    "extra_ms",
    "factor_permille",
    "lag",
    "effective_at",
    "to",
    "newcomers",
)
"""Fields that only some modes have, instants, and ids of clocks. Random ones contradict the mode
and each other, lie too far away or don't exist, so nearly all requests would be refused. They are
among the tests of single requests; test_machine.py has consistent ones."""
_SERVICE_HEADERS = bearer(service(lifetime_s=86_400))

document = schemathesis.openapi.from_dict(
    openapi_document(build(Settings()).pipeline.routes),
    config=Config.from_dict(
        {
            "headers": _SERVICE_HEADERS,
            # Follow the document's links only; inferred ones would begin with random session ids.
            "phases": {"stateful": {"inference": {"algorithms": []}}},
        }
        | ({} if IS_FULL else {"seed": 1})
    ),
).exclude(path=_ENDLESS_STREAM)


def test_the_service_serves_the_tested_document(protected: Instance) -> None:
    assert httpx.get(f"{protected.url}/api-docs.json").json() == document.raw_schema


@document.parametrize()
@extent(short=3, full=300)
def test_every_answer_conforms_to_the_document(case: AnyCase, protected: Instance) -> None:
    case.call_and_validate(protected.url, headers=_SERVICE_HEADERS, checks=CHECKS)


def test_linked_requests_conform_to_the_document(protected: Instance) -> None:
    accepted: set[str] = set()

    class LinkedRequests(document.as_state_machine()):  # type: ignore[misc] # made from the document
        def get_call_kwargs(self, case: AnyCase) -> dict[str, Any]:
            return {"base_url": protected.url, "headers": _SERVICE_HEADERS}

        def before_call(self, case: AnyCase) -> None:
            make_repeatable(case)

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
                headers=_SERVICE_HEADERS,
                transport_kwargs=kwargs,
                recorder=self.recorder,
            )

    LinkedRequests.run(settings=extent(short=30, full=1_000, steps=12))
    assert len(accepted) >= _MIN_ACCEPTED


def make_repeatable(case: AnyCase) -> None:
    """Give `case` a fresh idempotency key and session id, no version, and none of `_RULES`.

    Otherwise the same scenario would go differently the second time. Wrong versions are among the
    tests of single requests. A dry run becomes a change: the session of a dry deletion would look
    like one that can't be deleted.
    """
    if case.query.get("dry_run") in (True, "true"):
        case.query["dry_run"] = False
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if _KEY.fullmatch(case.headers.get("Idempotency-Key", "")):
        case.headers["Idempotency-Key"] = str(uuid4())
    if not isinstance(case.body, dict):
        return
    if _is_uuid(case.body.get("session_id")):
        case.body["session_id"] = str(uuid4())
    if case.meta is None or case.meta.generation.mode is GenerationMode.NEGATIVE:
        return  # one of the rules may be what makes the request invalid
    _remove_rules(case.body)
    for members in (case.body.get("participants"), case.body.get("groups")):
        for member in members if isinstance(members, list) else ():
            if isinstance(member, dict):
                _remove_rules(member)


def _remove_rules(body: dict[str, Any]) -> None:
    for name in _RULES:
        body.pop(name, None)


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and bool(_UUID.fullmatch(value))
