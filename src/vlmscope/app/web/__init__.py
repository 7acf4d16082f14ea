"""What is heard and said over HTTP."""
