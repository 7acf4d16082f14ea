"""Model families: how each is prompted, where its image tokens lie, which pixels each covers."""

from vlmscope.models.cards import ModelCard
from vlmscope.models.decoders.family import Family
from vlmscope.models.decoders.model import LoadedModel
from vlmscope.models.encoders.dual import DualEncoder, DualFamily, FittedPatches
from vlmscope.models.encoders.patch_tower import PatchTower
from vlmscope.models.families import FAMILIES, catalogue
from vlmscope.models.layout.image_inputs import GridLayout, ImageInputs
from vlmscope.models.layout.placement import PLACEMENTS
from vlmscope.models.loading.load import from_pretrained_model, load
from vlmscope.models.loading.load_tower import load_tower, tower_from_pretrained
from vlmscope.models.loading.load_ts_cam import load_ts_cam
from vlmscope.models.loading.outline import Outline, load_outline
from vlmscope.models.loading.vision_tower import vision_tower
from vlmscope.models.prompts.encoding import Encoded
from vlmscope.models.prompts.prompt import PRESETS, Prompt

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
    "Outline",
    "PatchTower",
    "Prompt",
    "catalogue",
    "from_pretrained_model",
    "load",
    "load_outline",
    "load_tower",
    "load_ts_cam",
    "tower_from_pretrained",
    "vision_tower",
]
