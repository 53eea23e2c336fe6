"""What is measured, and the products that keep the figures."""
