"""`make launch` and `make destroy`: from nothing to a running stage, and back."""
