"""A folder of labels that the app shows, and the decisions that people make about it."""
