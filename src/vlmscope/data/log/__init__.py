"""What a log of finished samples is made of: lines in a file, and where each begins."""
