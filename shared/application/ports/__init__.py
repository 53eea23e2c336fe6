"""What the use cases need from outside: one module for each need."""
