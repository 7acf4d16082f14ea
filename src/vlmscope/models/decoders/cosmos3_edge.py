"""Cosmos3-Edge: a SigLIP 2 tower for any resolution in front of a decoder with a position per axis."""

from __future__ import annotations

from vlmscope.models.cards import Checkpoint
from vlmscope.models.decoders.mrope import MropeFamily

__all__ = ["Cosmos3EdgeFamily"]


class Cosmos3EdgeFamily(MropeFamily):
    """``Cosmos3EdgeForConditionalGeneration`` of transformers: the reasoner of a Cosmos3-Edge checkpoint.

    Its generator, which paints and acts, is left out when it is loaded.
    """

    id = "cosmos3-edge"
    model_types = ("cosmos3_edge",)
    checkpoints = (Checkpoint("nvidia/Cosmos3-Edge", "unknown", "unknown"),)
    processor_class = "Cosmos3EdgeProcessor"
    image_processors = ("Cosmos3EdgeImageProcessor",)
    delimiters = ("vision_start_token_id", "vision_end_token_id")
    limits = ("the part that generates pictures is not loaded, and nothing of it is read",)
