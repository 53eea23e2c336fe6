"""`make bench`: how fast the service is, beside the floor that Redis and the server set."""
