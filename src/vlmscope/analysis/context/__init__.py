"""Compressed context: how few image tokens still answer questions ("Image re-prompting")."""

from vlmscope.analysis.context.compress import CompressedContext, compress_context
from vlmscope.analysis.context.curve import ContextCurve, ContextPoint
from vlmscope.analysis.context.importance import MEASURES
from vlmscope.analysis.context.sweep import KEEPS, context_sweep

__all__ = [
    "KEEPS",
    "MEASURES",
    "CompressedContext",
    "ContextCurve",
    "ContextPoint",
    "compress_context",
    "context_sweep",
]
