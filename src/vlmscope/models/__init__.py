"""Model families: how each is prompted, where its image tokens lie, which pixels each covers."""

from vlmscope.models.cards import ModelCard, catalogue
from vlmscope.models.dual import DualEncoder, DualFamily, FittedPatches
from vlmscope.models.encoding import Encoded
from vlmscope.models.families import FAMILIES
from vlmscope.models.family import Family, GridLayout, ImageInputs
from vlmscope.models.loading import from_pretrained_model, load
from vlmscope.models.model import LoadedModel
from vlmscope.models.placement import PLACEMENTS
from vlmscope.models.prompts import PRESETS, Prompt

__all__ = [
    "FAMILIES",
    "PLACEMENTS",
    "PRESETS",
    "DualEncoder",
    "DualFamily",
    "Encoded",
    "Family",
    "FittedPatches",
    "GridLayout",
    "ImageInputs",
    "LoadedModel",
    "ModelCard",
    "Prompt",
    "catalogue",
    "from_pretrained_model",
    "load",
]
