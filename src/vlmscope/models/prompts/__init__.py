"""What the model is asked, how it is written, and the boxes that it writes itself."""
