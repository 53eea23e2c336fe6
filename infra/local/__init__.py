"""Local servers from pip and npm packages, for running and testing without cloud accounts."""
