"""Trains an embedded model: ``python -m vlmscope.tiny.training.train tiny-llava --seed 0 --out DIR``.

Run again with the same folder, it goes on where it stopped. ``--minutes`` sets the time for training
alone; rendering and the evaluation come on top (about five minutes on two cores).
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

from vlmscope.tiny.embedded import EMBEDDED, embedded_path
from vlmscope.tiny.training.arguments import set_up, training_parser
from vlmscope.tiny.training.clip.train import run_clip
from vlmscope.tiny.training.corpus import Corpus, build_corpus
from vlmscope.tiny.training.evaluate import answer_accuracy
from vlmscope.tiny.training.export import export_llava, write_card
from vlmscope.tiny.training.joint_stage import train_joint
from vlmscope.tiny.training.recipe import PRESETS, Recipe
from vlmscope.tiny.training.vision_stage import save_vision, train_vision
from vlmscope.tiny.world.settings import PLAIN, SETTINGS, Setting

__all__ = ["main", "train_llava"]

_log = logging.getLogger(__name__)

_OF_LLAVA = {
    "align_late": "has no such loss",
    "setting": "is trained on plain scenes",
    "start": "starts from fresh weights",
    "layers": "has no decoder",
}
"""Options that tiny-clip does not take, and why."""


def train_llava(
    out: Path,
    recipe: Recipe,
    corpus: Corpus,
    seed: int,
    device: torch.device,
    scenes: int = 384,
    start: Path | None = None,
) -> Path:
    """Both stages, export, evaluation on held-out scenes.

    Args:
        out: folder for states, the vision tower, and the exported model.
        recipe: the numbers.
        corpus: rendered scenes.
        seed: of weights and order.
        device: to train on.
        scenes: held-out scenes to evaluate on.
        start: an exported model to train on; there is no vision stage then.

    Returns:
        The folder of the exported model.
    """
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    vision = out / "vision.safetensors" if start is None else None
    if vision is not None and not vision.exists():
        tower, probes, reached = train_vision(
            recipe, corpus, seed, device, out / "vision-state.safetensors"
        )
        save_vision(vision, tower, probes, reached)
        del tower, probes
    model, progress = train_joint(
        recipe, corpus, vision, seed, device, out / "joint-state.safetensors", start
    )
    trained = {
        "seed": seed,
        "steps": progress.step,
        "images": progress.step * recipe.joint.batch,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "recipe": asdict(recipe),
    }
    folder = out / "tiny-llava"
    export_llava(folder, model, recipe.shape, {"trained": trained})
    answers = judge(folder, device, scenes, SETTINGS[recipe.corpus.setting])
    write_card(folder, {"trained": trained, "answers": answers})
    return folder


def judge(
    folder: Path, device: torch.device, scenes: int, setting: Setting = PLAIN
) -> dict[str, Any]:
    """Accuracy of an exported model, loaded from its float16 weights, on held-out scenes."""
    from transformers import LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    result = answer_accuracy(model.to(device).eval(), scenes, setting=setting)
    for kind, accuracy in result.items():
        _log.info("%-11s %.3f of %d", kind, accuracy.accuracy, accuracy.asked)
    return {kind: accuracy.to_dict() for kind, accuracy in result.items()}


def main(arguments: list[str] | None = None) -> int:
    """The command line; progress goes to stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for name, why in _OF_LLAVA.items():
        if options.name == "tiny-clip" and getattr(options, name) is not None:
            option = f"--{name.replace('_', '-')}"
            parser.error(f"{option} belongs to tiny-llava: tiny-clip {why}. Leave it out.")
    device = set_up(options)
    if options.name == "tiny-clip":
        run_clip(options, device)
        return 0
    recipe = _recipe(options, device)
    corpus = build_corpus(options.corpus or options.out / "corpus", recipe.corpus, options.workers)
    if options.only == "corpus":
        return 0
    if options.only == "vision":
        state = options.out / "vision-state.safetensors"
        result = train_vision(recipe, corpus, options.seed, device, state)
        save_vision(options.out / "vision.safetensors", *result)
        return 0
    folder = train_llava(
        options.out, recipe, corpus, options.seed, device, options.evaluate, _start(options)
    )
    _log.info("wrote %s", folder)
    return 0


def _start(options: argparse.Namespace) -> Path | None:
    name = str(options.start)
    return embedded_path(name) if name in EMBEDDED else options.start


def _recipe(options: argparse.Namespace, device: torch.device) -> Recipe:
    recipe = PRESETS["cpu" if device.type == "cpu" else "cuda"]
    minutes = options.minutes or recipe.minutes
    corpus = replace(
        recipe.corpus,
        scenes=options.scenes or recipe.corpus.scenes,
        setting=options.setting or recipe.corpus.setting,
    )
    shape = replace(recipe.shape, text_layers=options.layers or recipe.shape.text_layers)
    joint = replace(recipe.joint, steps=options.steps or recipe.joint.steps)
    vision = replace(recipe.vision, steps=options.vision_steps or recipe.vision.steps)
    if options.align_late is not None:
        recipe = replace(recipe, align_late=options.align_late)
    return replace(recipe, minutes=minutes, corpus=corpus, joint=joint, vision=vision, shape=shape)


def _parser() -> argparse.ArgumentParser:
    parser = training_parser("vlmscope.tiny.training.train", __doc__)
    parser.add_argument("name", choices=["tiny-llava", "tiny-clip"])
    parser.add_argument("--align-late", type=float, help="of tiny-llava: see recipe.Recipe")
    parser.add_argument("--setting", choices=[*SETTINGS], help="of tiny-llava: kind of scenes")
    start = "of tiny-llava: exported model to train on, a folder or an embedded id"
    parser.add_argument("--start", type=Path, help=start)
    parser.add_argument("--layers", type=int, help="of tiny-llava: layers of the decoder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
