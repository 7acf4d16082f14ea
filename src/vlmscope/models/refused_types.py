"""Types of transformers' image-text-to-text models that no family covers, with the reason.

``docs/model-types.md`` is made of this and of the families by ``docs/building/model_types.py``; a test
says when transformers has a type that stands in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["REFUSED"]

_BIASED = (
    "adds a learned bias for every query and distance to the products of queries and keys, and runs keys "
    "through convolutions: its rows are not those of queries and keys, which are what is read here"
)

_RESAMPLER = (
    "has image tokens that each read the whole image (a resampler), so they stand for no place"
)

_REASONS = {
    # Qwen's newest, hybrids and models that also hear
    "dots3_note": (
        "has 128 attention heads in some layers and 64 in those with a sliding window, so its heads make "
        "no grid of layers by heads, which every map and head set here is"
    ),
    # positions of time, row and column
    "hy_v4_vl": "has attention sinks in every layer: learned logits that take a share of each row and "
    "belong to no token, so a row is no softmax over the sequence",
    "step3p7": "has layers with different numbers of attention heads, so there is no table of layers by "
    "heads to read, to choose from or to block in",
    # one tower, one projector, one decoder
    "mistral4": "takes no image: it is the decoder alone. Mistral Small 4 with its tower is of the type "
    "mistral3",
    "aria": "has image tokens that each read the whole image (learned queries), so they stand for no place",
    # tiles, slices and documents
    "pp_formulanet": "writes formulas by cross-attention to an encoder of the image and takes no text, so "
    "there is no phrase whose rows could be read",
    "deepseek_ocr2": "has image tokens that are learned queries, each of which reads its whole tile and "
    "the queries before it, so they stand for no place",
    # Google's and Meta's newest, and Molmo
    "diffusion_gemma": "writes whole stretches of its answer at once, in rounds that correct each other: "
    "no row belongs to the next word",
    "shieldgemma2": "answers Yes or No to a policy, with weights that transformers reads into its own class "
    "alone: the class that it maps the type to finds none of them",
    "t5gemma2": "reads the image in an encoder and writes from its output by cross-attention, so it has no "
    "image tokens in the sequence that it writes",
    "inkling2": _BIASED,
    "inkling2_loop": _BIASED,
    "inkling_mm_model": _BIASED,
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
