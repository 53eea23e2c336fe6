"""Auction with a soft close: a bid in the last second leaves the others one more second to answer.

The lot is open for 3 s here instead of an hour. Each bid is a switch, and the active participant is
the one with the highest bid.
"""

import asyncio
import sys

from synckairos import ApiError, Expired, SyncKairos

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
BIDS = [(0.4, "Ada", 100), (2.0, "Ben", 120), (0.6, "Cleo", 150), (0.5, "Ada", 160)]
"""For each bid: seconds after the one before, bidder, amount."""


async def main() -> None:
    async with SyncKairos(URL) as client:
        lot = await client.create(
            {
                "sync_mode": "global",
                "participants": [{"participant_id": one} for one in ("Ada", "Ben", "Cleo")],
                "total_time_ms": 3_000,
                "extend_on_switch": {"window_ms": 1_000, "to_ms": 1_000, "at_most": 20},
            }
        )
        events = lot.events_stream()
        await lot.open()
        await lot.start()
        print("The lot is open for 3 s")
        sold = "Nobody has bid"
        for wait, bidder, amount in BIDS:
            await asyncio.sleep(wait)
            try:
                bid = await lot.switch(next=bidder)
            except ApiError:
                print(f"{bidder} bids {amount} euros, too late")
                break
            print(f"{bidder} bids {amount} euros")
            if more := bid.get("extended_by_ms"):
                print(f"  so the lot stays open {more / 1000:.1f} s longer")
            sold = f"Sold to {bidder} for {amount} euros"
        async for event in events:
            if isinstance(event, Expired):
                break
        used = lot.state["extensions"]["used"] if lot.state else 0
        print(f"{sold}, after {used} extensions")


asyncio.run(main())
