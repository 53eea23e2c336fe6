"""Ways for messages to come. Each is a class in a file of its own."""
