"""Types of transformers' image-text-to-text models that no family covers, with the reason.

``docs/model-types.md`` is made of this and of the families by ``docs/building/model_types.py``; a test
says when transformers has a type that stands in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["REFUSED"]

_LATER = "was not looked at yet"
_BIASED = (
    "adds a learned bias for every query and distance to the products of queries and keys, and runs keys "
    "through convolutions: its rows are not those of queries and keys, which are what is read here"
)

_REASONS = {
    # Qwen's newest, hybrids and models that also hear
    "qwen4_exp": _LATER,
    "qwen2_5_omni_thinker": _LATER,
    "qwen3_omni_moe_thinker": _LATER,
    "cosmos3_edge": _LATER,
    "cosmos3_omni": _LATER,
    "nemotron_h_omni": _LATER,
    "dots3_note": _LATER,
    "hyperclovax_vision_v2": _LATER,
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
    "lfm2_vl": _LATER,
    "lfm3_vl": _LATER,
    "minicpmv4_6": _LATER,
    "minicpmv4_7": _LATER,
    "minicpm_ocr": _LATER,
    "got_ocr2": _LATER,
    "pp_chart2table": _LATER,
    "pp_formulanet": _LATER,
    "granite_docling": _LATER,
    "qianfan_ocr": _LATER,
    "deepseek_ocr2": _LATER,
    "unlimited_ocr": _LATER,
    # Google's and Meta's newest, and Molmo
    "gemma3n": _LATER,
    "diffusion_gemma": "writes whole stretches of its answer at once, in rounds that correct each other: "
    "no row belongs to the next word",
    "shieldgemma2": "answers Yes or No to a policy, with weights that transformers reads into its own class "
    "alone: the class that it maps the type to finds none of them",
    "t5gemma2": "reads the image in an encoder and writes from its output by cross-attention, so it has no "
    "image tokens in the sequence that it writes",
    "minimax_m3_vl": _LATER,
    "inkling2": _BIASED,
    "inkling2_loop": _BIASED,
    "inkling_mm_model": _BIASED,
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
