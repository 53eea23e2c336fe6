"""Live connections (WebSockets and event streams), which only the container can hold."""
