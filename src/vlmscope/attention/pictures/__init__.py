"""Attention on several pictures of one prompt, or on the steps in time of a clip."""

from vlmscope.attention.pictures.reading import Shown, read_shown
from vlmscope.attention.pictures.shares import even_shares, picture_shares

__all__ = ["Shown", "even_shares", "picture_shares", "read_shown"]
