"""Which image token stands for which pixels of the original image."""
