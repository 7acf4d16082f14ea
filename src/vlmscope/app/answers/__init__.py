"""What is computed for each question: from a picture and words to what the viewer draws."""
