"""Exam: each candidate has a clock of their own, and some have extra time.

Everybody has 2 s here instead of two hours. Ben has half as much again (factor 1.5), and Cleo gets
1 s more for reading. Ada hands in early; Ben and Cleo write until their time is over.
"""

import asyncio
import sys

from synckairos import Expired, SyncKairos, Update

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
EXAM = {
    "sync_mode": "individual",
    "total_time_ms": 2_000,
    "participants": [
        {"participant_id": "Ada"},
        {"participant_id": "Ben", "factor_permille": 1_500},
        {"participant_id": "Cleo", "extra_ms": 1_000},
    ],
}


async def main() -> None:
    async with SyncKairos(URL) as client:
        exam = await client.create(EXAM)
        events = exam.events_stream()
        await exam.open()
        state = await exam.start()
        for one in state["participants"]:
            print(f"{one['participant_id']} has {one['total_time_ms'] / 1000:.0f} s")
        await exam.adjust_clocks(add_ms=500)
        print("It was noisy: half a second more for all")
        await asyncio.sleep(0.5)
        await exam.finish("Ada")
        print("Ada hands in")
        async for event in events:
            match event:
                case Expired(participant_id=candidate):
                    print(f"{candidate}'s time is up")
                case Update(state={"status": "completed", "participants": candidates}):
                    for one in candidates:
                        used = one["time_used_ms"] / 1000
                        print(f"{one['participant_id']}: {one['state']} after {used:.1f} s")
                    return


asyncio.run(main())
