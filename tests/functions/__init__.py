"""Functions as Lambda calls them: what is around the service there."""
