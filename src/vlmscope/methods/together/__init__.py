"""Phrases in several pictures of one prompt, and in the frames of a clip."""

from vlmscope.methods.together.clip import WAYS, check_way, ground_clip
from vlmscope.methods.together.pictures import ground_pictures

__all__ = ["WAYS", "check_way", "ground_clip", "ground_pictures"]
