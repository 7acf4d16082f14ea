"""What the reader of OpenImages is made of."""
