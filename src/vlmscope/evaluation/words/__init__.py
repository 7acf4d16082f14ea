"""What the classes of a data set are called, as a model takes it."""
