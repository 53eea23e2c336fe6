"""What nobody thought of: random games on two instances, and requests made from the document."""
