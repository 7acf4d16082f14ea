"""LLaVA: the builder that older tests use too."""

from __future__ import annotations

import families
from lvlms.build import Build, silence
from vlmscope.models import LoadedModel


def quiet(model: LoadedModel) -> None:
    silence(model.hf.model.vision_tower, "self_attn.out_proj")


BUILDS = {
    "llava": Build(families.llava, quiet),
    "llava-siglip": Build(lambda: families.llava(vision="siglip", processor="squash"), quiet),
    "llava-mistral": Build(lambda: families.llava("mistral"), quiet),
}
