"""Check that the answers to concurrent clients of one session are linearizable."""
