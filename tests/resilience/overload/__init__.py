"""An instance under more load than it can serve."""
