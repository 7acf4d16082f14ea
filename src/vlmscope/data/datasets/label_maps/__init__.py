"""What sets of photographs and label maps share."""
