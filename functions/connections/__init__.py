"""Connections of the container's server, on which no client can make it wait or hoard."""
