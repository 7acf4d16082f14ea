"""Self-proxy: ProxyCLIP's attention with a middle block of the tower itself as the proxy.

Patches of one object are alike in the middle of the tower and not in the last block, which attends
everywhere. Nothing but the choice of the proxy is new here; docs/methods/self-proxy.md says what was
measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmscope.methods.encoder.depths import depth_of
from vlmscope.methods.encoder.method import DenseMethod
from vlmscope.methods.encoder.options import DenseOptions
from vlmscope.methods.encoder.proxies import alike, gathered, proxy_attention
from vlmscope.methods.encoder.tower import DensePath, Site
from vlmscope.models.encoders.blocks import QKV
from vlmscope.options import option

__all__ = ["SelfProxy", "SelfProxyOptions"]

_DEPTH = 0.75  # after 9 of the 12 blocks of a ViT-B


@dataclass(frozen=True)
class SelfProxyOptions(DenseOptions):
    """Options of self-proxy."""

    layer: int = option(
        0,
        "after how many blocks patches are compared with each other; 0: after three quarters of them",
        at_least=0,
        whole=True,
    )
    beta: float = option(
        1.2,
        "how many times the image's mean similarity a patch needs to be attended to",
        at_least=0.0,
    )
    gamma: float = option(
        3.0, "sharpness of the softmax over the patches that are left", at_least=0.0
    )


class SelfProxy(DenseMethod):
    """softmax(gamma (cos - beta mean cos)) v in the last block, of middle patches' cosines."""

    id = "self-proxy"
    summary = "the last block's values, gathered by how alike patches are in a middle block"
    options = SelfProxyOptions
    least_blocks = 2

    def path(self, options: Any, blocks: int) -> DensePath:
        layer = depth_of("layer", options.layer, _DEPTH, blocks)
        return DensePath(1, residual=False, feed_forward=False, watches=(layer,))

    def attend(self, qkv: QKV, site: Site, options: Any) -> Tensor:
        (features,) = site.watched.values()
        weights = proxy_attention(alike(features), options.beta, options.gamma)
        return gathered(weights, qkv.v, site.prefix)
