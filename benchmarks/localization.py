"""Reading localization heads: vlmscope against the plain way, in one run.

The plain way is what published code does: eager attention, ``output_attentions=True``, the whole
forward pass, then slicing one row out of the full matrices. Both sides get the same preprocessed
inputs where it is their job to run the model, on a random-weight LLaVA with 576 image tokens whose
vision tower takes under a tenth of the plain way's time; heads are read at half depth.

    python benchmarks/localization.py [--threads 1] [--repeats 5] [--growth] [--json] [--smallest]
    python benchmarks/localization.py --device cuda --dtype bfloat16 \
        --size '{"layers": 32, "hidden": 4096, "heads": 32}'        (a 7B decoder)

Ratios are medians over interleaved repeats: machines are noisy, absolute times mean nothing.
Peak memory is measured in fresh processes, above the loaded model. ``--growth`` measures it for
more and more image tokens: the plain way grows with keys x keys, vlmscope with rows x keys.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from measure import in_fresh_process, options, peak_above, seconds, write

import vlmscope as vs
from vlmscope.attention import read_heads
from vlmscope.attention.prefill import run
from vlmscope.models import LoadedModel

PHRASES = [
    "the small red circle",
    "the large blue square on the left",
    "a green star",
    "the yellow cross under the ring",
    "the dog",
    "the man in the dark coat",
    "a light wall",
    "the second window from the right",
]


@dataclass(frozen=True)
class Size:
    """A LLaVA small enough for this machine, with LLaVA-1.5's proportions."""

    layers: int = 12
    hidden: int = 768
    heads: int = 12
    grid: int = 24
    vision_hidden: int = 128
    vision_layers: int = 4
    device: str = "cpu"
    dtype: str = "float32"


SMALLEST = {
    "layers": 4,
    "hidden": 64,
    "heads": 8,
    "grid": 16,
    "vision_hidden": 32,
    "vision_layers": 2,
}
"""Every step in seconds: heads 1, 3 and 5 exist, and enough tokens for memory to be seen."""


def size_of(arguments: argparse.Namespace, **defaults: int) -> Size:
    """The size asked for: ``--size`` over ``--smallest`` over ``defaults``."""
    smallest = SMALLEST if arguments.smallest else {}
    placed = {"device": arguments.device, "dtype": arguments.dtype}
    return Size(**{**defaults, **placed, **smallest, **arguments.size})


def build(size: Size) -> LoadedModel:
    """A random LLaVA of ``size`` with a word-level tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    torch.manual_seed(0)
    vocabulary = {word: i for i, word in enumerate(["<unk>", "<image>", *_words()])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", extra_special_tokens={"image_token": "<image>"}
    )
    side = size.grid * 14
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=size.vision_hidden,
            intermediate_size=4 * size.vision_hidden,
            num_hidden_layers=size.vision_layers,
            num_attention_heads=4,
            image_size=side,
            patch_size=14,
        ),
        text_config=LlamaConfig(
            hidden_size=size.hidden,
            intermediate_size=int(size.hidden * 2.6875),
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.heads,
            vocab_size=32000,
            max_position_embeddings=4096,
        ),
        image_token_index=1,
    )
    with torch.device(size.device):
        model = LlavaForConditionalGeneration(config).eval().to(getattr(torch, size.dtype))
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        ),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return vs.from_pretrained_model(model, processor, name="random-llava")


def _words() -> list[str]:
    from vlmscope.models import catalogue

    system = next(card.system for card in catalogue() if card.id == "llava-hf/llava-1.5-7b-hf")
    text = " ".join([str(system), *PHRASES]).replace(".", " . ").replace(",", " , ")
    return sorted(set(text.replace("'", " ' ").split()))


def heads_at_half_depth(model: LoadedModel) -> list[tuple[int, int]]:
    """Three heads, the deepest in the layer at half depth (LLaVA-1.5-7B: layer 14 of 32)."""
    half = len(model.layers) // 2
    return [(half - 1, 3), (half - 1, 5), (half - 2, 1)]


def plain(model: LoadedModel, pixels: np.ndarray, phrase: str) -> np.ndarray:
    """One phrase the plain way; the model must run eager attention."""
    encoded = model.encode([pixels], [phrase])
    with torch.no_grad():
        out = model.hf(**encoded.inputs, output_attentions=True)
    keys = encoded.token_maps[0].image_positions
    return np.stack(
        [
            out.attentions[layer][0, head, -1].float().cpu().numpy()[keys]
            for layer, head in heads_at_half_depth(model)
        ]
    )


def ours(model: LoadedModel, pixels: np.ndarray, phrases: list[str]) -> list[np.ndarray]:
    """Phrases through vlmscope."""
    found = read_heads(model, pixels, phrases, heads=heads_at_half_depth(model))
    return [maps.maps[:, 0] for maps in found]


def truncated(model: LoadedModel, pixels: np.ndarray, phrase: str) -> None:
    """The bare forward pass with only the layers that are read, nothing captured."""
    encoded = model.encode([pixels], [phrase])
    layers, depth = model.decoder.layers, heads_at_half_depth(model)[0][0] + 1
    model.decoder.layers = layers[:depth]
    try:
        with torch.no_grad():
            model.hf.model(**encoded.inputs, use_cache=False)
    finally:
        model.decoder.layers = layers


def whole_with_rows(model: LoadedModel, pixels: np.ndarray, phrase: str) -> None:
    """vlmscope without early stop: what reading rows alone costs."""
    encoded = model.encode([pixels], [phrase])
    with vs.capture(model, heads=heads_at_half_depth(model)):
        run(model, encoded)


def with_kernel(model: LoadedModel, kernel: str, job: Callable[[], object]) -> Callable[[], object]:
    def wrapped() -> object:
        model.decoder.set_attn_implementation(kernel)
        return job()

    return wrapped


def time_ratios(model: LoadedModel, pixels: np.ndarray, repeats: int) -> dict[str, float]:
    """Medians of interleaved repeats, as ratios to the plain way (or what the name says)."""
    jobs = {
        "plain": with_kernel(model, "eager", lambda: plain(model, pixels, PHRASES[0])),
        "one": with_kernel(model, "sdpa", lambda: ours(model, pixels, PHRASES[:1])),
        "eight": with_kernel(model, "sdpa", lambda: ours(model, pixels, PHRASES)),
        "truncated": with_kernel(model, "sdpa", lambda: truncated(model, pixels, PHRASES[0])),
        "rows": with_kernel(model, "sdpa", lambda: whole_with_rows(model, pixels, PHRASES[0])),
        "vision": lambda: _vision(model, pixels),
    }
    for job in jobs.values():
        job()
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            taken[name].append(seconds(job))
    mid = {name: statistics.median(values) for name, values in taken.items()}
    return {
        "plain_seconds": mid["plain"],
        "vision_share_of_plain": mid["vision"] / mid["plain"],
        "one_phrase": mid["one"] / mid["plain"],
        "eight_phrases": mid["eight"] / (8 * mid["plain"]),
        "one_phrase_over_truncated": mid["one"] / mid["truncated"],
        "without_early_stop": mid["rows"] / mid["plain"],
    }


@torch.no_grad()
def _vision(model: LoadedModel, pixels: np.ndarray) -> None:
    tensors = model.fit(pixels).tensors.items()
    inputs = {name: tensor.to(model.device, model.dtype) for name, tensor in tensors}
    model.hf.get_image_features(**inputs)


def peak_bytes(way: str, size: Size) -> int:
    """Most resident memory above the loaded model, in a fresh process."""
    return in_fresh_process(__file__, "--peak", way, "--size", json.dumps(asdict(size)))


def measure_peak(way: str, size: Size) -> int:
    model = build(size)
    pixels = picture()
    model.decoder.set_attn_implementation("eager" if way == "plain" else "sdpa")
    _vision(model, pixels)  # lazy allocations of libraries are not the method's
    if way == "plain":
        return peak_above(lambda: plain(model, pixels, PHRASES[0]), size.device)
    return peak_above(lambda: ours(model, pixels, PHRASES[: int(way)]), size.device)


def growth(size: Size, grids: tuple[int, ...]) -> dict[str, float]:
    """Peak MiB of both ways for more and more image tokens, squares of ``grids``."""
    found = {}
    for grid in grids:
        larger = replace(size, grid=grid)
        for way in ("plain", "1"):
            name = f"peak_mib_{grid * grid}_tokens_{'plain' if way == 'plain' else 'vlmscope'}"
            found[name] = peak_bytes(way, larger) / 2**20
    return found


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (336, 500, 3), dtype=np.uint8)


def worst_difference(model: LoadedModel, pixels: np.ndarray) -> float:
    """The rows of all phrases: how far the two ways are apart."""
    model.decoder.set_attn_implementation("eager")
    expected = [plain(model, pixels, phrase) for phrase in PHRASES]
    model.decoder.set_attn_implementation("sdpa")
    found = ours(model, pixels, PHRASES)
    return max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))


def peaks(size: Size) -> dict[str, float]:
    """Peak memory of one and eight phrases, as ratios to the plain way."""
    whole = peak_bytes("plain", size)
    return {
        "peak_memory_one_phrase": peak_bytes("1", size) / whole,
        "peak_memory_eight_phrases": peak_bytes("8", size) / whole,
        "plain_peak_mib": whole / 2**20,
    }


def timed(size: Size, repeats: int) -> dict[str, float]:
    """What one loaded model is enough for; it is gone afterwards."""
    model = build(size)
    pixels = picture()
    worst = worst_difference(model, pixels)
    return {"largest_difference_of_rows": worst, **time_ratios(model, pixels, repeats)}


def main() -> None:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--size", type=json.loads, default={})
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    size = size_of(arguments)
    if arguments.peak:
        sys.stdout.write(f"{measure_peak(arguments.peak, size)}\n")
        return
    result = timed(size, arguments.repeats)
    torch.cuda.empty_cache()
    result |= peaks(size)
    if arguments.growth:
        result |= growth(size, (20,) if arguments.smallest else (24, 34, 48))
    write(result, arguments.json)


if __name__ == "__main__":
    main()
