"""Types of transformers' image-text-to-text models that no family covers, with the reason.

``docs/model-types.md`` is made of this and of the families by ``docs/building/model_types.py``; a test
says when transformers has a type that stands in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["REFUSED"]

_LATER = "was not looked at yet"

_RESAMPLER = (
    "has image tokens that each read the whole image (a resampler), so they stand for no place"
)

_REASONS = {
    # Qwen's newest, hybrids and models that also hear
    "qwen3_5": _LATER,
    "qwen3_5_moe": _LATER,
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
    "gemma4": _LATER,
    "gemma4_unified": _LATER,
    "diffusion_gemma": _LATER,
    "shieldgemma2": _LATER,
    "t5gemma2": _LATER,
    "llama4": _LATER,
    "perception_lm": _LATER,
    "molmo2": _LATER,
    "muse_glimmer": _LATER,
    "muse_spark": _LATER,
    "minimax_m3_vl": _LATER,
    "inkling2": _LATER,
    "inkling2_loop": _LATER,
    "inkling_mm_model": _LATER,
    # older ones, and ones of another kind
    "evolla": "reads proteins, not pictures",
    "florence2": "has an encoder and a decoder: question and picture are read together, each "
    "token by every other, and the answer is written from that by cross-attention, "
    "so no row of the question looks at the picture alone",
    "git": "puts its patches in front of the words inside the model, so they are no "
    "positions of the prompt whose rows could be named",
    "idefics": "reads the picture by cross-attention to tokens that each read the whole image "
    "(a resampler), so they stand for no place",
    "idefics2": _RESAMPLER,
    "instructblipvideo": "reads clips through a Q-Former whose tokens each read a whole frame, so they "
    "stand for no place; of one picture InstructBLIP is the same model",
    "kosmos-2": _RESAMPLER,
    "kosmos-2.5": _RESAMPLER,
    "pi0": "answers in movements of a robot, not in words",
    "pix2struct": "has its question drawn into the picture and writes from an encoder by cross-"
    "attention, so there are no rows of a phrase",
    "udop": "has an encoder and a decoder: words with their places on a page and patches "
    "are read together, each token by every other, and the answer is written from "
    "that by cross-attention",
    "vision-encoder-decoder": "joins any encoder of images to any decoder by cross-attention, so its type "
    "does not tell where its image tokens lie",
}
REFUSED: Mapping[str, str] = MappingProxyType(_REASONS)
"""``config.model_type`` -> the reason: ends a sentence that begins "TYPE is not read: it"."""
