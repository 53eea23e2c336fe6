"""What tests of the client libraries share."""
