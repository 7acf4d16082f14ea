"""Image tokens that leave the sequence behind a layer."""
