"""A TCP proxy that injects faults: delays, stalls, resets, refusals, lost requests and replies."""
