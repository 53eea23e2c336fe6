"""What the service is given from outside: variables, secrets, neighbours."""
