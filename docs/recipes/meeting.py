"""Agenda of a meeting: items run over, and the meeting catches up again.

Each item has 1 or 2 s here instead of minutes. At the end of each item the script prints how
far the meeting is behind its plan, and at the end what was planned and what was used.
"""

import asyncio
import sys

from synckairos import SyncKairos, Update

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
AGENDA = [("Opening", 1_000, 1.4), ("Budget", 2_000, 1.2), ("Votes", 1_000, 0.8)]
"""For each item: title, planned ms, seconds that it takes."""


def seconds(ms: float) -> str:
    return f"{ms / 1000:.1f} s"


async def main() -> None:
    async with SyncKairos(URL) as client:
        meeting = await client.create(
            {
                "sync_mode": "global",
                "overtime": True,
                "items": [
                    {"item_id": title, "duration_ms": ms, "on_end": "wait"}
                    for title, ms, _ in AGENDA
                ],
            }
        )
        events = meeting.events_stream()
        await meeting.open()
        await meeting.start()
        for title, planned, takes in AGENDA:
            await asyncio.sleep(takes)
            over, offset = meeting.over() or 0, meeting.offset() or 0
            word = "behind" if offset > 0 else "ahead of"
            print(f"{title} ends, {seconds(over)} over its {seconds(planned)}.", end=" ")
            print(f"The meeting is {seconds(abs(offset))} {word} the plan.")
            await meeting.switch()  # the next item; after the last one the meeting is over
        async for event in events:
            if isinstance(event, Update) and event.state["status"] == "completed":
                for item in event.state["items"]:
                    used = seconds(item["used_ms"] + item["over_ms"])
                    print(f"{item['item_id']}: {seconds(item['planned_ms'])} planned, {used} used")
                return


asyncio.run(main())
