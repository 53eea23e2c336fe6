"""`make soak`: run load while servers are killed, then check that no change was lost."""
