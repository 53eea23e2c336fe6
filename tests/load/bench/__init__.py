"""`make bench`: compare the service with baselines, which make the same Redis calls only."""
