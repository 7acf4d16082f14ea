"""What is installed, what works, and what a model needs: values, which the command line prints."""
