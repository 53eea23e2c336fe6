"""The service's behaviour while a dependency, or the connection to it, fails."""
