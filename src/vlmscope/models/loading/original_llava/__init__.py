"""Checkpoints in the format of the original LLaVA code, read as transformers' LLaVA.

LLaVA, LLaVA-1.5, ShareGPT4V and Yi-VL are published so: a LLaMA whose ``config.json`` names a vision
tower that may lie elsewhere, and whose weights hold a projector beside it.
"""

from vlmscope.models.loading.original_llava.checkpoint import OriginalLlava, is_original_llava

__all__ = ["OriginalLlava", "is_original_llava"]
