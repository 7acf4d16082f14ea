"""Architectures and tokenizers of the embedded models."""
