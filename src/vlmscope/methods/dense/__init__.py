"""What dense methods share: the second path, text, and the way from similarity to answers."""

from vlmscope.methods.dense.classes import ClassList, TextClass
from vlmscope.methods.dense.engine import (
    DenseMethod,
    DensePath,
    DenseTokens,
    Site,
    dense_tokens,
    original_tokens,
    tokens_of_methods,
)
from vlmscope.methods.dense.options import DenseOptions
from vlmscope.methods.dense.similarity import (
    DenseAnswer,
    Similarity,
    against,
    compare,
    compare_together,
    similarity,
)
from vlmscope.methods.dense.templates import phrase_embeddings

__all__ = [
    "ClassList",
    "DenseAnswer",
    "DenseMethod",
    "DenseOptions",
    "DensePath",
    "DenseTokens",
    "Similarity",
    "Site",
    "TextClass",
    "against",
    "compare",
    "compare_together",
    "dense_tokens",
    "original_tokens",
    "phrase_embeddings",
    "similarity",
    "tokens_of_methods",
]
