"""The claims of "What's in the Image?" (Kaduri, Bagon and Dekel, CVPR 2025), put to the test."""

from vlmscope.reproduce.whats_in_the_image.images import object_words, open_images, spread
from vlmscope.reproduce.whats_in_the_image.study import Settings, Study

__all__ = ["Settings", "Study", "object_words", "open_images", "spread"]
