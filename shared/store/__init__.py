"""State in Redis: sessions, outbox, counters and locks, and the connections to it."""
