"""What is installed, what works, and what a model needs."""
