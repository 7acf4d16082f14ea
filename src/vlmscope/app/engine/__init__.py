"""The one thread that runs the model, and what waits for it."""
