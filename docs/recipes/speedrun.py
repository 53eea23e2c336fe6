"""Speedrun race: all runners start at the same instant, and each one has a clock of their own.

The race begins 3 s after its creation, without a command, while everybody counts down. Ada and Ben
finish, and Cleo gives up. A judge takes Ada's first finish back, because one level was left.
"""

import asyncio
import sys
from datetime import UTC, datetime

from synckairos import SyncKairos, Update

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"


async def main() -> None:
    async with SyncKairos(URL) as client:
        now_ms = (await client.time())["timestamp_ms"]
        start_at = datetime.fromtimestamp(now_ms / 1000 + 3, UTC).isoformat()
        race = await client.create(
            {
                "sync_mode": "individual",
                "start_at": start_at,
                "participants": [{"participant_id": one} for one in ("Ada", "Ben", "Cleo")],
            }
        )
        events = race.events_stream()
        await race.open()
        print(f"The race starts in {(race.starts_in() or 0) / 1000:.1f} s")
        async for event in events:
            if isinstance(event, Update) and event.state["status"] == "running":
                break
        print("Go!")
        await asyncio.sleep(0.5)
        await race.finish("Ada")
        print("Ada stops her clock")
        await race.reopen("Ada", "one level was left")
        print("The judge: Ada had one level left, so her clock goes on")
        await asyncio.sleep(0.3)
        await race.finish("Ben")
        await race.forfeit("Cleo", "fell into the lava")
        await asyncio.sleep(0.3)
        result = await race.finish("Ada")
        done = [one for one in result["participants"] if one["state"] == "finished"]
        done.sort(key=lambda one: one["time_used_ms"])
        for place, one in enumerate(done, 1):
            print(f"{place}. {one['participant_id']}: {one['time_used_ms'] / 1000:.3f} s")
        print("Cleo gave up. The race is", result["status"])


asyncio.run(main())
