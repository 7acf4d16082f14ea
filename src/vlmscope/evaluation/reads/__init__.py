"""What an image is read for once: by all methods that read attention, and several images side by side."""
