"""HTTP at the edge: requests into commands, outcomes into answers."""
