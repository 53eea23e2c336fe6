"""The few calls to AWS that functions make, small enough to start with them."""
