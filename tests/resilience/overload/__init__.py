"""What an instance does that is asked for more than it can do."""
