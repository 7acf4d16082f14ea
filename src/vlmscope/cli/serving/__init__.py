"""What commands read of a serving engine."""
