"""The one place where model families are registered: a family is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from vlmscope.models.cards import ModelCard
from vlmscope.models.decoders.apertus import ApertusFamily
from vlmscope.models.decoders.blip2 import Blip2Family, InstructBlipFamily
from vlmscope.models.decoders.chameleon import ChameleonFamily
from vlmscope.models.decoders.cohere_compass import CohereCompassFamily
from vlmscope.models.decoders.cohere_vision import AyaVisionFamily, Cohere2VisionFamily
from vlmscope.models.decoders.cosmos3_edge import Cosmos3EdgeFamily
from vlmscope.models.decoders.deepseek_vl import DeepseekVlFamily, DeepseekVlHybridFamily
from vlmscope.models.decoders.emu3 import Emu3Family
from vlmscope.models.decoders.ernie4_5_vl import Ernie45VlFamily
from vlmscope.models.decoders.exaone4_5 import Exaone45Family
from vlmscope.models.decoders.fast_vlm import FastVlmFamily
from vlmscope.models.decoders.fuyu import FuyuFamily
from vlmscope.models.decoders.gemma3 import Gemma3Family
from vlmscope.models.decoders.gemma3n import Gemma3nFamily
from vlmscope.models.decoders.gemma4 import Gemma4Family, Gemma4UnifiedFamily
from vlmscope.models.decoders.glm4v import Glm4vFamily, GlmOcrFamily
from vlmscope.models.decoders.glm5_next import Glm5NextFamily
from vlmscope.models.decoders.got_ocr import GotOcrFamily, PpChart2TableFamily
from vlmscope.models.decoders.granite_docling import GraniteDoclingFamily
from vlmscope.models.decoders.granite_vision import Granite4VisionFamily
from vlmscope.models.decoders.hunyuan_vl import HunYuanVlFamily
from vlmscope.models.decoders.hyperclovax import HyperClovaxFamily
from vlmscope.models.decoders.idefics import Idefics3Family, SmolVlmFamily
from vlmscope.models.decoders.internvl import InternVlFamily, QianfanOcrFamily
from vlmscope.models.decoders.janus import JanusFamily
from vlmscope.models.decoders.kimi_k25 import KimiK25Family
from vlmscope.models.decoders.lfm2_vl import Lfm2VlFamily
from vlmscope.models.decoders.lfm3_vl import Lfm3VlFamily
from vlmscope.models.decoders.lighton_ocr import LightOnOcrFamily
from vlmscope.models.decoders.llama4 import Llama4Family
from vlmscope.models.decoders.llava import LlavaFamily
from vlmscope.models.decoders.llava_next import LlavaNextFamily
from vlmscope.models.decoders.llava_next_video import LlavaNextVideoFamily
from vlmscope.models.decoders.llava_onevision import LlavaOnevisionFamily
from vlmscope.models.decoders.minicpm_v import MiniCpmOcrFamily, MiniCpmVFamily
from vlmscope.models.decoders.minicpm_v47 import MiniCpmV47Family
from vlmscope.models.decoders.minimax_m3 import MiniMaxM3Family
from vlmscope.models.decoders.mistral3 import Mistral3Family, MistralLarge4Family
from vlmscope.models.decoders.mllama import MllamaFamily
from vlmscope.models.decoders.molmo2 import Molmo2Family
from vlmscope.models.decoders.muse_glimmer import MuseGlimmerFamily
from vlmscope.models.decoders.nemotron_omni import NemotronOmniFamily
from vlmscope.models.decoders.ovis2 import Ovis2Family
from vlmscope.models.decoders.paddleocr_vl import PaddleOcrVlFamily
from vlmscope.models.decoders.paligemma import PaliGemmaFamily
from vlmscope.models.decoders.perception_lm import PerceptionLmFamily
from vlmscope.models.decoders.pixtral import PixtralFamily
from vlmscope.models.decoders.qwen35 import Qwen4ExpFamily, Qwen35Family
from vlmscope.models.decoders.qwen_omni import Qwen3OmniThinkerFamily, Qwen25OmniThinkerFamily
from vlmscope.models.decoders.qwen_vl import Qwen2VlFamily, Qwen3VlFamily, Qwen25VlFamily
from vlmscope.models.decoders.unlimited_ocr import UnlimitedOcrFamily
from vlmscope.models.decoders.video_llama3 import VideoLlama3Family
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
        Granite4VisionFamily(),
        PixtralFamily(),
        Mistral3Family(),
        MistralLarge4Family(),
        LightOnOcrFamily(),
        AyaVisionFamily(),
        Cohere2VisionFamily(),
        CohereCompassFamily(),
        FastVlmFamily(),
        VideoLlavaFamily(),
        InternVlFamily(),
        QianfanOcrFamily(),
        GotOcrFamily(),
        PpChart2TableFamily(),
        UnlimitedOcrFamily(),
        Ovis2Family(),
        Blip2Family(),
        InstructBlipFamily(),
        MllamaFamily(),
        Qwen2VlFamily(),
        Qwen25VlFamily(),
        Qwen3VlFamily(),
        Qwen35Family(),
        Qwen4ExpFamily(),
        NemotronOmniFamily(),
        Qwen25OmniThinkerFamily(),
        Qwen3OmniThinkerFamily(),
        Glm4vFamily(),
        GlmOcrFamily(),
        Glm5NextFamily(),
        PaddleOcrVlFamily(),
        Ernie45VlFamily(),
        Exaone45Family(),
        VideoLlama3Family(),
        HunYuanVlFamily(),
        KimiK25Family(),
        Cosmos3EdgeFamily(),
        HyperClovaxFamily(),
        Idefics3Family(),
        SmolVlmFamily(),
        GraniteDoclingFamily(),
        Lfm2VlFamily(),
        Lfm3VlFamily(),
        MiniCpmVFamily(),
        MiniCpmV47Family(),
        MiniCpmOcrFamily(),
        MiniMaxM3Family(),
        DeepseekVlFamily(),
        DeepseekVlHybridFamily(),
        JanusFamily(),
        PaliGemmaFamily(),
        Gemma3Family(),
        Gemma3nFamily(),
        Gemma4Family(),
        Gemma4UnifiedFamily(),
        Llama4Family(),
        ChameleonFamily(),
        Emu3Family(),
        ApertusFamily(),
        Molmo2Family(),
        MuseGlimmerFamily(),
        PerceptionLmFamily(),
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
