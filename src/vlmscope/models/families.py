"""The one place where model families are registered."""

from __future__ import annotations

from vlmscope.models.blip import BlipFamily
from vlmscope.models.blip2 import Blip2Family, InstructBlipFamily
from vlmscope.models.clip import ClipFamily
from vlmscope.models.deepseek_vl import DeepseekVlFamily, DeepseekVlHybridFamily
from vlmscope.models.family import FamilyRegistry
from vlmscope.models.gemma3 import Gemma3Family
from vlmscope.models.glm4v import Glm4vFamily
from vlmscope.models.idefics import Idefics3Family, SmolVlmFamily
from vlmscope.models.internvl import InternVlFamily
from vlmscope.models.janus import JanusFamily
from vlmscope.models.llava import LlavaFamily
from vlmscope.models.llava_next import LlavaNextFamily
from vlmscope.models.llava_onevision import LlavaOnevisionFamily
from vlmscope.models.mllama import MllamaFamily
from vlmscope.models.ovis2 import Ovis2Family
from vlmscope.models.paligemma import PaliGemmaFamily
from vlmscope.models.qwen_vl import Qwen2VlFamily, Qwen3VlFamily, Qwen25VlFamily
from vlmscope.models.siglip import SiglipFamily
from vlmscope.models.siglip2 import Siglip2Family
from vlmscope.models.vipllava import VipLlavaFamily
from vlmscope.models.vit import DeitFamily, VitFamily

__all__ = ["FAMILIES"]

FAMILIES = FamilyRegistry()
for _family in (
    LlavaFamily(),
    LlavaNextFamily(),
    LlavaOnevisionFamily(),
    VipLlavaFamily(),
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
    ClipFamily(),
    SiglipFamily(),
    Siglip2Family(),
    BlipFamily(),
    VitFamily(),
    DeitFamily(),
):
    FAMILIES.register(_family)
