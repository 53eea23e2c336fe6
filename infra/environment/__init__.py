"""What an environment must hold before the service is run in it, and how it gets there."""
