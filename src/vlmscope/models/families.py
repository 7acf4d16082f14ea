"""The one place where model families are registered: a family is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from vlmscope.models.cards import ModelCard
from vlmscope.models.decoders.blip2 import Blip2Family, InstructBlipFamily
from vlmscope.models.decoders.chameleon import ChameleonFamily
from vlmscope.models.decoders.deepseek_vl import DeepseekVlFamily, DeepseekVlHybridFamily
from vlmscope.models.decoders.emu3 import Emu3Family
from vlmscope.models.decoders.fuyu import FuyuFamily
from vlmscope.models.decoders.gemma3 import Gemma3Family
from vlmscope.models.decoders.glm4v import Glm4vFamily
from vlmscope.models.decoders.idefics import Idefics3Family, SmolVlmFamily
from vlmscope.models.decoders.internvl import InternVlFamily
from vlmscope.models.decoders.janus import JanusFamily
from vlmscope.models.decoders.llava import LlavaFamily
from vlmscope.models.decoders.llava_next import LlavaNextFamily
from vlmscope.models.decoders.llava_next_video import LlavaNextVideoFamily
from vlmscope.models.decoders.llava_onevision import LlavaOnevisionFamily
from vlmscope.models.decoders.mllama import MllamaFamily
from vlmscope.models.decoders.ovis2 import Ovis2Family
from vlmscope.models.decoders.paligemma import PaliGemmaFamily
from vlmscope.models.decoders.qwen_vl import Qwen2VlFamily, Qwen3VlFamily, Qwen25VlFamily
from vlmscope.models.decoders.video_llava import VideoLlavaFamily
from vlmscope.models.decoders.vipllava import VipLlavaFamily
from vlmscope.models.encoders.blip import BlipFamily
from vlmscope.models.encoders.clip import ClipFamily
from vlmscope.models.encoders.siglip import SiglipFamily
from vlmscope.models.encoders.siglip2 import Siglip2Family
from vlmscope.models.encoders.vit import DeitFamily, VitFamily
from vlmscope.models.family_registry import FamilyRegistry
from vlmscope.models.refused_types import REFUSED

__all__ = ["FAMILIES", "UNAVAILABLE", "catalogue"]

UNAVAILABLE: Mapping[str, str] = {
    "Mini-Gemini": "reads every picture through two towers whose patches its own code mines into one "
    "another, and transformers has no class for that",
}
"""Families that people ask for and that cannot be covered, with the reason."""

FAMILIES = FamilyRegistry(
    (
        LlavaFamily(),
        LlavaNextFamily(),
        LlavaNextVideoFamily(),
        LlavaOnevisionFamily(),
        VipLlavaFamily(),
        VideoLlavaFamily(),
        InternVlFamily(),
        Ovis2Family(),
        Blip2Family(),
        InstructBlipFamily(),
        MllamaFamily(),
        Qwen2VlFamily(),
        Qwen25VlFamily(),
        Qwen3VlFamily(),
        Glm4vFamily(),
        Idefics3Family(),
        SmolVlmFamily(),
        DeepseekVlFamily(),
        DeepseekVlHybridFamily(),
        JanusFamily(),
        PaliGemmaFamily(),
        Gemma3Family(),
        ChameleonFamily(),
        Emu3Family(),
        FuyuFamily(),
        ClipFamily(),
        SiglipFamily(),
        Siglip2Family(),
        BlipFamily(),
        VitFamily(),
        DeitFamily(),
    ),
    refused={**REFUSED, "mini_gemini": UNAVAILABLE["Mini-Gemini"]},
)


def catalogue() -> tuple[ModelCard, ...]:
    """Cards of the embedded models and of well-known checkpoints, embedded first."""
    return FAMILIES.cards()
