"""What may be measured in an evaluation: our methods, other models, and a model's own answers."""
