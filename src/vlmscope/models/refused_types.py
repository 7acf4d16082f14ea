"""Types of transformers' image-text-to-text models that no family covers, with the reason.

``docs/model-types.md`` is made of this and of the families by ``docs/building/model_types.py``; a test
says when transformers has a type that stands in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["REFUSED"]

_LATER = "was not looked at yet"

_REASONS = {
    # Qwen's newest, hybrids and models that also hear
    "nemotron_h_omni": _LATER,
    "dots3_note": (
        "has 128 attention heads in some layers and 64 in those with a sliding window, so its heads make "
        "no grid of layers by heads, which every map and head set here is"
    ),
    # positions of time, row and column
    "glm_ocr": _LATER,
    "glmga": _LATER,
    "glm5_next": _LATER,
    "exaone4_5": _LATER,
    "ernie4_5_vl_moe": _LATER,
    "paddleocr_vl": _LATER,
    "video_llama_3": _LATER,
    "hunyuan_vl": _LATER,
    "hy_v4_vl": _LATER,
    "kimi_k25": _LATER,
    "step3p7": _LATER,
    # one tower, one projector, one decoder
    "mistral3": _LATER,
    "mistral4": _LATER,
    "mistral_large4": _LATER,
    "lighton_ocr": _LATER,
    "cohere2_vision": _LATER,
    "cohere_compass": _LATER,
    "aya_vision": _LATER,
    "aria": _LATER,
    "fast_vlm": _LATER,
    "granite4_vision": _LATER,
    "apertus1p5": _LATER,
    # tiles, slices and documents
    "pp_formulanet": "writes formulas by cross-attention to an encoder of the image and takes no text, so "
    "there is no phrase whose rows could be read",
    "deepseek_ocr2": "has image tokens that are learned queries, each of which reads its whole tile and "
    "the queries before it, so they stand for no place",
    # Google's and Meta's newest, and Molmo
    "gemma3n": _LATER,
    "gemma4_unified": _LATER,
    "diffusion_gemma": _LATER,
    "shieldgemma2": _LATER,
    "t5gemma2": _LATER,
    "perception_lm": _LATER,
    "molmo2": _LATER,
    "muse_glimmer": _LATER,
    "muse_spark": _LATER,
    "minimax_m3_vl": _LATER,
    "inkling2": _LATER,
    "inkling2_loop": _LATER,
    "inkling_mm_model": _LATER,
    # older ones, and ones of another kind
    "chameleon": _LATER,
    "emu3": _LATER,
    "evolla": _LATER,
    "florence2": _LATER,
    "fuyu": _LATER,
    "git": _LATER,
    "idefics": _LATER,
    "idefics2": _LATER,
    "instructblipvideo": _LATER,
    "kosmos-2": _LATER,
    "kosmos-2.5": _LATER,
    "llava_next_video": _LATER,
    "pi0": _LATER,
    "pix2struct": _LATER,
    "udop": _LATER,
    "video_llava": _LATER,
    "vision-encoder-decoder": _LATER,
}
REFUSED: Mapping[str, str] = MappingProxyType(_REASONS)
"""``config.model_type`` -> the reason: ends a sentence that begins "TYPE is not read: it"."""
