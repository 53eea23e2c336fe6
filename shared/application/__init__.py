"""The use cases of the service, the ports that they need, and what they return."""
