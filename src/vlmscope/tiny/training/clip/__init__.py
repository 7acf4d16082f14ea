"""How tiny-clip is trained from scratch."""
