"""How the embedded models are trained from scratch."""
