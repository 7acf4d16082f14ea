"""What's in the image: how visual information reaches the answer of an LVLM."""
