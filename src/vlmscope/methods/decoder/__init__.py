"""Methods that read a decoder's attention: one file each, registered in ``methods.catalogue``."""

from vlmscope.methods.decoder.reads import (
    ReadingMethod,
    Reads,
    ground_together,
    read_of_each,
    read_of_images,
)

__all__ = ["ReadingMethod", "Reads", "ground_together", "read_of_each", "read_of_images"]
