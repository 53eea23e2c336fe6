"""Protocol classes of the container's server, with time and size limits for every client."""
