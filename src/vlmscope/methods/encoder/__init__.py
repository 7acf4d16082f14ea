"""What dense methods share: the second path, text, and the way from similarity to answers."""

from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.similarity import (
    DenseSetup,
    Similarity,
    against,
    compare,
    compare_together,
    similarity,
)
from vlmscope.methods.encoder.texts import phrase_embeddings
from vlmscope.methods.encoder.tower import (
    DensePath,
    DenseTokens,
    Site,
    dense_tokens,
    original_tokens,
    tokens_of_methods,
)

__all__ = [
    "DenseMethod",
    "DenseOptions",
    "DensePath",
    "DenseSetup",
    "DenseTokens",
    "Similarity",
    "Site",
    "against",
    "compare",
    "compare_together",
    "dense_tokens",
    "original_tokens",
    "phrase_embeddings",
    "similarity",
    "tokens_of_methods",
]
