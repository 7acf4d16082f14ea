"""ProxyCLIP (Lan et al., ECCV 2024): the last block's values, gathered by a second vision tower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmscope.errors import BadOptionError
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.proxies import alike, gathered, proxy_attention
from vlmscope.methods.encoder.tower import DensePath, Pixels, Site
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.blocks import QKV
from vlmscope.models.encoders.patch_tower import PatchTower
from vlmscope.models.encoders.patches import Normalisation, to_pixels
from vlmscope.options import option

__all__ = ["ProxyClip", "ProxyClipOptions"]


@dataclass(frozen=True)
class ProxyClipOptions(DenseOptions):
    """Options of ProxyCLIP."""

    beta: float = option(
        1.2,
        "how many times the image's mean similarity a patch needs to be attended to",
        at_least=0.0,
    )
    gamma: float = option(
        3.0, "sharpness of the softmax over the patches that are left", at_least=0.0
    )


class ProxyClip(DenseMethod):
    """softmax(gamma (cos - beta mean cos)) v in the last block, of a second tower's cosines.

    Args:
        tower: the second tower; without it the method runs on nothing.
    """

    id = "proxyclip"
    summary = "the last block's values, gathered by a second vision tower such as DINOv2 (--proxy)"
    options = ProxyClipOptions

    def __init__(self, tower: PatchTower | None = None) -> None:
        self.tower = tower

    def with_proxy(self, proxy: PatchTower) -> ProxyClip:
        """The method with its second tower.

        Raises:
            BadOptionError: something that is none.
        """
        if not isinstance(proxy, PatchTower):
            raise BadOptionError(
                "proxy takes a vision tower, such as vlmscope.load_tower('facebook/dinov2-base') "
                f"gives, got {type(proxy).__name__}."
            )
        return ProxyClip(proxy)

    def unfit(self, encoder: DualEncoder) -> str:
        if self.tower is None:
            return (
                "proxyclip gathers patches by a second vision tower, and none was given. Load one and "
                "give it: proxy=vlmscope.load_tower('facebook/dinov2-base'), or --proxy FOLDER; "
                "self-proxy needs none."
            )
        return super().unfit(encoder)

    def record(self) -> dict[str, Any]:
        if self.tower is None:
            return {}
        return {"proxy": {"id": self.tower.id, "revision": self.tower.revision}}

    def path(self, options: Any, blocks: int) -> DensePath:
        return DensePath(depth=1, residual=False, feed_forward=False)

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        assert self.tower is not None and site.pixels is not None  # `unfit` said so
        features = self.tower.features(_pixels(site.pixels), site.grid).to(qkv.v)
        weights = proxy_attention(alike(features), options.beta, options.gamma)
        return gathered(weights, qkv.v, site.prefix)


def _pixels(seen: Pixels) -> Tensor:
    """What the encoder sees, as it was before its normalisation: float32, 0..1."""
    processor = seen.encoder.processor
    images = getattr(processor, "image_processor", processor)
    return to_pixels(seen.values.float(), Normalisation.of(images))
