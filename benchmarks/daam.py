"""A picture drawn with the maps of its words, against drawing it alone and against the usual script.

Scripts of this method replace every cross-attention by a plain one that keeps its probabilities; here queries
and keys are taken where the layer computes them and its own kernel runs on. Stable Diffusion 1's layout with
random weights, float32, and classifier-free guidance; the text tower and the decoder of pictures are left
out, for they cost every way the same.

    python benchmarks/daam.py [--channels 96] [--latent 64] [--steps 2] [--words 8] [--threads 1]
        [--repeats 3]

Ratios are medians over interleaved repeats. ``picture_difference`` is between the latents with and without
looking, ``map_difference`` between the maps of both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from measure import interleaved, median_ratio, options, write
from torch import Tensor

from vlmscope.diffusion.layers import cross_layers
from vlmscope.diffusion.recorder import Recorder

KEYS = 77


@dataclass(frozen=True)
class Shape:
    """A U-Net of Stable Diffusion 1; the real one has 320 channels.

    Attributes:
        channels: of its first block.
        latent: side of the latents.
        cross: width of the text tower.
    """

    channels: int = 96
    latent: int = 64
    cross: int = 768


SMALLEST = Shape(channels=32, latent=16, cross=16)


def build(shape: Shape) -> Any:
    """The U-Net, random."""
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    first = shape.channels
    model = UNet2DConditionModel(
        sample_size=shape.latent,
        block_out_channels=(first, 2 * first, 4 * first, 4 * first),
        down_block_types=(*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        cross_attention_dim=shape.cross,
        attention_head_dim=8,
        norm_num_groups=min(32, first),
    )
    return model.eval()


class Drawing:
    """The passes of one picture: what a pipeline does, but for the scheduler's arithmetic."""

    def __init__(self, shape: Shape, steps: int, words: int) -> None:
        self.unet, self.steps, self.tokens = build(shape), steps, words + 2
        self.latents = torch.randn(1, 4, shape.latent, shape.latent)
        self.texts = torch.randn(2, KEYS, shape.cross)

    @torch.no_grad()
    def plain(self) -> Tensor:
        """The latents at the end."""
        latents = self.latents
        for step in range(self.steps):
            both = torch.cat([latents, latents])
            noise = self.unet(both, torch.tensor(900 - step), self.texts).sample
            without, along = noise.chunk(2)
            latents = latents - 0.1 * (without + 7.5 * (along - without))
        return latents

    def looking(self) -> tuple[Tensor, Tensor]:
        """The same, and the maps of the tokens."""
        layers = cross_layers(self.unet, middle=False)
        recorder = Recorder(layers, length=KEYS, tokens=self.tokens, prompts=1, guided=lambda: True)
        with recorder.watching(self.unet):
            latents = self.plain()
        assert recorder.total is not None
        return latents, recorder.total[0]

    def keeping(self) -> Tensor:
        """The usual way: probabilities are kept and all made maps of."""
        kept: list[Tensor] = []
        old = self.unet.attn_processors
        crossed = {f"{each.name}.processor" for each in cross_layers(self.unet, middle=False)}
        self.unet.set_attn_processor(
            {name: Keeping(kept) if name in crossed else one for name, one in old.items()}
        )
        try:
            self.plain()
        finally:
            self.unet.set_attn_processor(old)
        return self._summed(kept)

    def _summed(self, kept: list[Tensor]) -> Tensor:
        size = self.latents.shape[-2:]
        total, heads = torch.zeros(self.tokens, *size), 0
        for rows in kept:
            side = round(rows.shape[1] ** 0.5)
            for head in rows.chunk(2)[1]:
                maps = head[:, : self.tokens].T.reshape(1, -1, side, side)
                total += F.interpolate(maps, size=size, mode="bicubic").clamp(min=0)[0]
                heads += 1
        return total / (heads / self.steps)


class Keeping:
    """Attention as it is written down, which keeps its probabilities."""

    def __init__(self, kept: list[Tensor]) -> None:
        self.kept = kept

    def __call__(
        self, attn: Any, hidden: Tensor, encoder_hidden_states: Tensor, **_: Any
    ) -> Tensor:
        parts = (
            attn.to_q(hidden),
            attn.to_k(encoder_hidden_states),
            attn.to_v(encoder_hidden_states),
        )
        query, key, value = map(attn.head_to_batch_dim, parts)
        rows = attn.get_attention_scores(query, key, None)
        self.kept.append(rows)
        out: Tensor = attn.to_out[0](attn.batch_to_head_dim(torch.bmm(rows, value)))
        return out


def figures(shape: Shape, steps: int, words: int, repeats: int) -> dict[str, float]:
    """Three ways of drawing one picture."""
    drawing = Drawing(shape, steps, words)
    latents, maps = drawing.looking()
    difference = float((latents - drawing.plain()).abs().max())
    apart = float((maps - drawing.keeping()).abs().max())
    taken = interleaved(
        {"plain": drawing.plain, "looking": drawing.looking, "keeping": drawing.keeping}, repeats
    )
    return {
        "plain_seconds": min(taken["plain"]),
        "looking_over_plain": median_ratio(taken["looking"], taken["plain"]),
        "script_over_plain": median_ratio(taken["keeping"], taken["plain"]),
        "picture_difference": difference,
        "map_difference": apart,
    }


def main() -> None:
    parser = options(__doc__, repeats=3)
    parser.add_argument("--channels", type=int, default=Shape.channels, help="320 is the real one")
    parser.add_argument("--latent", type=int, default=Shape.latent, help="side of the latents")
    parser.add_argument("--steps", type=int, default=2, help="of the scheduler")
    parser.add_argument("--words", type=int, default=8, help="of the prompt")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    shape = SMALLEST if given.smallest else Shape(given.channels, given.latent)
    write(figures(shape, given.steps, given.words, given.repeats), given.json)


if __name__ == "__main__":
    main()
