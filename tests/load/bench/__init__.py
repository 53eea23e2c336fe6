"""`make bench`: compare the service with floors, which make the same Redis calls only."""
