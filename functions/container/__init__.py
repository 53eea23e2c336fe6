"""The parts of the container's server that functions don't have."""
