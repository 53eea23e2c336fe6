"""The commands that look at a stage before and after it is deployed."""
