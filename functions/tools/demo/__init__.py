"""`make demo`: a recorded chess game, replayed against a running service by five clients."""
