"""Prompt ablation: which parts of a prompt the answer needs, and what its tokens alone know."""

from vlmscope.analysis.prompts.beside import PromptsBeside, prompts_beside
from vlmscope.analysis.prompts.measure import PromptOptions, prompt_ablation
from vlmscope.analysis.prompts.result import PromptAblation, VariantEffect
from vlmscope.analysis.prompts.variants import Variant, variants_of

__all__ = [
    "PromptAblation",
    "PromptOptions",
    "PromptsBeside",
    "Variant",
    "VariantEffect",
    "prompt_ablation",
    "prompts_beside",
    "variants_of",
]
