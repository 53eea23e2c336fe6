"""`/llms.txt`: a description of the service for language models (llmstxt.org)."""

from collections.abc import Iterable
from inspect import getdoc

from shared.http.routing import Route

_HEAD = """\
# SyncKairos

> SyncKairos keeps many clients on one clock: chess games, quizzes, auctions, exams, meetings. A
> session stores when a clock started and how much time was left; clients calculate the rest from
> the server's time. Time that runs out takes effect at the exact deadline.

All times are whole milliseconds; timestamps are ISO 8601 in UTC. Create a session, start it, then
`switch` ends a turn and begins the next one. Send `Authorization: Bearer <token>` where
authentication is on. Send an `Idempotency-Key` with each change, so that it can be repeated safely.
Every request of the reference has examples that work as they are.

## Reference

- [OpenAPI](/api-docs.json): all requests, fields, errors and examples
- [AsyncAPI](/asyncapi.json): all messages of WebSockets, event streams and Supabase Realtime
- [Interactive reference](/api-docs): the same as a page for people

## Clients

- [Clock element](/clients/js/clock-element.js): `<synckairos-clock session="...">` for any page
- [JavaScript library](/clients/js/synckairos.js): `session(id)` with `open`, `remaining`, `switch`
- [Console](/): create, run and watch sessions in a browser
"""


def llms_text(routes: Iterable[Route]) -> str:
    """Return the text, with one line for each documented route."""
    lines = [_HEAD, "## Requests", ""]
    lines += [_line(route) for route in routes if route.is_documented]
    return "\n".join(lines) + "\n"


def _line(route: Route) -> str:
    summary = (getdoc(route.endpoint) or "").partition("\n\n")[0].replace("\n", " ")
    return f"- [{route.method} {route.path}](/api-docs.json): {summary}"
