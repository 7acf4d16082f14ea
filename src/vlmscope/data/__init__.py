"""What comes in: images, rows of samples and questions, classes, data sets, logs of what is done."""
