"""The benchmark compares the service with a floor that answers alike."""

import httpx

from functions.tools.bench.contestants import contestants


def test_the_floor_answers_a_switch_as_the_service_does() -> None:
    with contestants() as racers:
        path = f"/v1/sessions/{racers.session_ids[0]}"
        answers = [
            httpx.request(method, f"{url}{path}{action}", trust_env=False)
            for method, action in (("GET", ""), ("POST", "/switch"))
            for url in (racers.service, racers.floor)
        ]
    assert [answer.status_code for answer in answers] == [200] * 4
    read, floor_read, switched, floor_switched = (set(a.json()["data"]) for a in answers)
    assert (read, switched) == (floor_read, floor_switched)
