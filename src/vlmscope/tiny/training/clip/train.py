"""Trains tiny-clip: ``python -m vlmscope.tiny.training.clip.train --seed 0 --out DIR``.

``python -m vlmscope.tiny.training.train tiny-clip`` does the same. Run again with the same folder, it
goes on where it stopped.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from vlmscope.tiny.training.arguments import set_up, training_parser
from vlmscope.tiny.training.clip.evaluate import retrieval
from vlmscope.tiny.training.clip.export import export_clip, write_clip_card
from vlmscope.tiny.training.clip.recipe import CLIP_PRESETS, ClipRecipe
from vlmscope.tiny.training.clip.stage import train_contrast
from vlmscope.tiny.training.corpus import Corpus, build_corpus
from vlmscope.tiny.training.stage import load_state
from vlmscope.tiny.training.vision_stage import save_vision, train_vision

__all__ = ["main", "run_clip", "train_clip"]

_log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """The command line; progress goes to stderr."""
    options = training_parser("vlmscope.tiny.training.clip.train", __doc__).parse_args(arguments)
    run_clip(options, set_up(options))
    return 0


def run_clip(options: argparse.Namespace, device: torch.device) -> None:
    """Do what a command line asks for.

    Args:
        options: see ``arguments.training_parser``.
        device: to train on.
    """
    recipe = _recipe(options, device)
    # a folder of its own: a corpus with other options would be written over
    folder = options.corpus or options.out / "clip-corpus"
    corpus = build_corpus(folder, recipe.corpus, options.workers)
    if options.only == "corpus":
        return
    if options.only == "vision":
        _vision(options.out, recipe, corpus, options.seed, device)
        return
    exported = train_clip(options.out, recipe, corpus, options.seed, device, options.evaluate)
    _log.info("wrote %s", exported)


def train_clip(
    out: Path, recipe: ClipRecipe, corpus: Corpus, seed: int, device: torch.device, scenes: int
) -> Path:
    """Both stages, export, evaluation on held-out scenes.

    Args:
        out: folder for states, the vision tower, and the exported model. A ``vision.safetensors``
            that is there already, tiny-llava's too, is used as it is.
        recipe: the numbers.
        corpus: rendered scenes.
        seed: of weights, order and texts.
        device: to train on.
        scenes: held-out scenes to evaluate on.

    Returns:
        The folder of the exported model.
    """
    started = time.monotonic()
    vision = _vision(out, recipe, corpus, seed, device)
    model, progress = train_contrast(
        recipe, corpus, vision, seed, device, out / "contrast-state.safetensors"
    )
    trained = {
        "seed": seed,
        "vision": load_state(vision)[1],
        "steps": progress.step,
        "images": progress.step * recipe.contrast.batch,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "recipe": asdict(recipe),
    }
    folder = out / "tiny-clip"
    export_clip(folder, model, recipe.shape, {"trained": trained})
    write_clip_card(folder, {"trained": trained, "retrieval": judge(folder, device, scenes)})
    return folder


def judge(folder: Path, device: torch.device, scenes: int) -> dict[str, Any]:
    """Retrieval by an exported model, loaded from its float16 weights, on held-out scenes."""
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(folder, dtype=torch.float32)
    result = retrieval(model.to(device).eval(), scenes)
    for name, accuracy in result.items():
        _log.info("%-13s %.3f of %d", name, accuracy.accuracy, accuracy.asked)
    return {name: accuracy.to_dict() for name, accuracy in result.items()}


def _vision(out: Path, recipe: ClipRecipe, corpus: Corpus, seed: int, device: torch.device) -> Path:
    """The trained vision tower, trained first if it is not there."""
    path = out / "vision.safetensors"
    if not path.exists():
        state = out / "vision-state.safetensors"
        stage = recipe.first_stage(device.type)
        save_vision(path, *train_vision(stage, corpus, seed, device, state))
    return path


def _recipe(options: argparse.Namespace, device: torch.device) -> ClipRecipe:
    recipe = CLIP_PRESETS["cpu" if device.type == "cpu" else "cuda"]
    corpus = replace(recipe.corpus, scenes=options.scenes or recipe.corpus.scenes)
    contrast = replace(recipe.contrast, steps=options.steps or recipe.contrast.steps)
    vision = replace(recipe.vision, steps=options.vision_steps or recipe.vision.steps)
    minutes = options.minutes or recipe.minutes
    return replace(recipe, corpus=corpus, contrast=contrast, vision=vision, minutes=minutes)


if __name__ == "__main__":
    sys.exit(main())
