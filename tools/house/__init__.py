"""The figures of the source tree: how large, how entangled, how far a call travels."""
