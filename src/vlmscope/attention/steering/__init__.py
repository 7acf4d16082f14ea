"""Attention of chosen heads drawn towards chosen image tokens."""
