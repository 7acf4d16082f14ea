"""Words of a prompt on the picture that a text-to-image U-Net draws from it (DAAM)."""

from vlmscope.diffusion.draw import draw_words
from vlmscope.diffusion.load import load_pipeline
from vlmscope.diffusion.result import WordMaps
from vlmscope.diffusion.trace import WordTrace, trace_words

__all__ = ["WordMaps", "WordTrace", "draw_words", "load_pipeline", "trace_words"]
