"""The planted heads of these tests."""

from planted import fake, pairs, planted

__all__ = ["fake", "pairs", "planted"]
