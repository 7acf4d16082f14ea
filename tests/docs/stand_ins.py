"""What stands in for the models, files and names that pages speak of.

Everything here is data or makes small files: add a row where a page says something new.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from PIL import Image

import vlmscope as vs
from answers import talker
from chat_server import Ways, serving, small_model
from clips import ball, save_animation, save_video
from detectors import tiny_grounding_dino
from panoptic_folder import PanopticFolder
from pipelines import diffusion_pipeline
from sams import tiny_sam
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.reproduce.whats_in_the_image import Settings
from vlmscope.tiny import embedded_path, referring_samples

ENCODER = r"(?:openai/clip|laion/|google/siglip|facebook/(?:deit|dinov2)|timm/|google/vit)"


@cache
def chat_server() -> str:
    """Address of a chat endpoint that stays until the tests end: a small random model, three words long."""
    server = serving(Ways(prompt=True, stop_after=4), small_model())
    return _OPEN.enter_context(server).url


_OPEN = contextlib.ExitStack()
atexit.register(_OPEN.close)


Replacement = str | Callable[[re.Match[str]], str]

SUBSTITUTIONS: tuple[tuple[str, Replacement], ...] = (
    # an endpoint, which is started where a page speaks of one
    (r"http://localhost:8000/v1", lambda _: chat_server()),
    # models: a pattern of what pages write, and what is loaded in its place
    (rf"{ENCODER}[\w./-]*", "tiny-clip"),
    (r"stable-diffusion-v1-5/[\w.-]+", "./tiny-pipeline"),
    (r"facebook/sam[\w./-]*", "tiny-sam"),
    (r"IDEA-Research/grounding-dino[\w.-]*", "./tiny-grounding-dino"),
    (r"--say --model Qwen/[\w./-]+", "--say --model tiny-talker --heads L1H1,L2H0"),
    (
        r"(?:Qwen|llava-hf|liuhaotian|OpenGVLab|google/gemma|HuggingFaceTB|deepseek)[\w-]*/[\w./-]+",
        "tiny-llava",
    ),
    (r"\bMODEL\b(?=.*\b(?:gem|maskclip|sclip|clearclip)\b)", "tiny-clip"),
    (r"\bMODEL\b", "tiny-llava"),
    # layers and heads of large models
    (r"layers=range\(\d+, \d+\)", "layers=range(2, 4)"),
    (r"heads=\[\(\d.*?\)\]", "heads=[(2, 0), (2, 3)]"),
    (r"--heads L\d{2}H\S+", "--heads L2H0,L2H3"),
    # what embedded models have none of
    (r",\s*revision=\"[^\"]*\"", ""),
    (r"\s--revision\s+\S+", ""),
    (r"\bcuda(?::\d+)?\b", "cpu"),
    # places
    (r"(eval refcoco .*?)--root (?!tiny)\S+", r"\1--root tiny-refs/refcoco"),
    (r"(reproduce localization-heads .*?)--root (?!tiny)\S+", r"\1--root tiny-refs/"),
    (r"--root (?!tiny[\w-]*/)\S+", "--root panoptic"),  # tiny/ was rendered by the page itself
    (r"\broot=\"[^\"]+\"", 'root="panoptic"'),
    (r"\bFOLDER\b", "photos"),
    (r"\bDIR\b", "made"),
    (r"\bIMAGE\b", "photo.jpg"),
    # clips: the embedded model holds three pictures
    (r"(vlmscope clip .*?)--frames \d+", r"\1--frames 2"),
    (r"\bframes=\d+", "frames=2"),
    # how many scenes: pages are held to what runs, not to their figures
    (r"\btiny-scenes:\d+", "tiny-scenes:2"),
    (r"\b(scene_questions|referring_samples|scene_samples)\((?:count=)?\d+\)", r"\1(4)"),
    (r"\bcount=\d+\b", "count=4"),
    (r"\brange\(20_000_000, 20_000_\d+\)", "range(20_000_000, 20_000_001)"),
    (r"\bsteps=\d+\b", "steps=2"),
    (r"(?<=--steps )\d{2,}", "2"),
    (r"(?<=--limit )\d{2,}", "2"),
    (r"ExplainOptions\(grid=\d+, steps=\d+", "ExplainOptions(grid=3, steps=2"),
    (r"(Study\(.*)\)$", r"\1, settings=short)"),
)
"""(pattern, replacement), applied in this order to the text of python and sh blocks."""


COSTLY: dict[str, dict[str, str]] = {
    "app": {"--port": "0"},
    "clip": {"--frames": "2"},
    "eval": {"--limit": "2"},
    "reproduce": {"--limit": "1"},
    "reproduce whats-in-the-image": {"--max-new-tokens": "12"},
    "flow": {"--samples": "tiny-scenes:2", "--max-new-tokens": "6"},
    "knockout": {"--samples": "tiny-scenes:2", "--max-new-tokens": "6"},
    "lighten": {"--samples": "tiny-scenes:2", "--layers": "2", "--shares": "0.5"},
    "steer": {"--max-new-tokens": "4"},
    "prompts": {"--samples": "tiny-scenes:2", "--max-new-tokens": "6"},
    "faithfulness": {"--samples": "tiny-scenes:2", "--steps": "3"},
    "explain": {"--grid": "3", "--steps": "2"},
    "context": {"--samples": "tiny-scenes:2", "--max-new-tokens": "4", "--keep": "0,0.25"},
    "demo": {"--discovery": "8", "--verification": "4", "--sheet": "2", "--search": "2"},
}
"""Command -> option -> what it is set to where the line leaves it out, so that it takes seconds."""

LEAVES = frozenset(
    {
        "context",
        "daam",
        "demo",
        "explain",
        "faithfulness",
        "flow",
        "knockout",
        "lighten",
        "prompts",
        "tokens",
    }
)
"""Commands whose files no later line reads: on the same files once is enough for all pages."""

SCENES = range(20_000_000, 20_000_004)
_PICTURES = re.compile(r"[\w./-]+\.(?:jpe?g|png|webp)\b")
_CLIPS = re.compile(r"[\w./-]+\.(?:mp4|gif)\b")
_LISTS = re.compile(r"[\w./-]+\.jsonl\b")


@contextlib.contextmanager
def unserved() -> Iterator[None]:
    """Servers end before they begin: what they were started with is checked up to there."""
    with mock.patch("vlmscope.app.serving.serve", lambda *_: None):
        yield


def substituted(text: str) -> str:
    """A block's text with stand-ins in place of what is too large or not here."""
    for pattern, replacement in SUBSTITUTIONS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


INSTEAD = {"--read": {"--layers", "--shares"}}
"""Option -> those in whose place it is."""


def lightened(words: list[str]) -> list[str]:
    """The words of one command, with those added that keep it short."""
    options = COSTLY.get(" ".join(words[:1]), {}) | COSTLY.get(" ".join(words[:2]), {})
    given = {word.partition("=")[0] for word in words}
    given |= {other for word in given for other in INSTEAD.get(word, ())}
    return words + [word for option in options.items() if option[0] not in given for word in option]


def prepare(folder: Path, text: str) -> None:
    """Fill ``folder`` with every file that the page may read; ``text`` is that of its blocks."""
    for name in _inside({"photo.jpg", "photos/one.jpg", *_PICTURES.findall(text)}):
        picture(folder / name)
    for name in _inside(set(_CLIPS.findall(text))):
        clip(folder / name)
    for name in _inside(
        {"samples.jsonl", "others.jsonl", "questions.jsonl", *_LISTS.findall(text)}
    ):
        sample_list(folder / name)
    shutil.copy(embedded_path("tiny-llava") / "heads.json", folder / "heads.json")
    if "panoptic" in text:
        panoptic(folder / "panoptic")
    if "tiny-refs" in text:
        make_tiny("refcoco", folder / "tiny-refs" / "refcoco", 1)
    if "tiny-sam" in text:
        _saved(*tiny_sam(), folder / "tiny-sam")
    if "tiny-grounding-dino" in text:
        _saved(*tiny_grounding_dino(), folder / "tiny-grounding-dino")
    if "tiny-pipeline" in text:
        diffusion_pipeline(vocabulary=("mug", "beside", "sleeping")).save_pretrained(
            folder / "tiny-pipeline"
        )
    if "tiny-talker" in text:
        speaker = talker()
        _saved(speaker.hf, speaker.processor, folder / "tiny-talker")
    if "my-checkpoints" in text:
        shutil.copytree(embedded_path("tiny-llava"), folder / "my-checkpoints" / "llava")


def _inside(found: set[str]) -> list[str]:
    """Names that lie inside the folder, in a fixed order."""
    return sorted(name for name in found if not name.startswith(("/", "..")))


def picture(path: Path) -> None:
    """A rendered scene under this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scenes()[0].image).save(path)


def clip(path: Path) -> None:
    """A ball that moves, under this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (save_animation if path.suffix == ".gif" else save_video)(path, ball(8))


def sample_list(path: Path) -> None:
    """Two rows: of questions where the name says so, else of phrases with boxes.

    Lists called "others" have scenes of their own, for what was discovered is verified on them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, scene in enumerate(scenes()[2:] if "other" in path.stem else scenes()[:2]):
        name = f"{path.stem}-{number}.png"
        Image.fromarray(scene.image).save(path.parent / name)
        rows.append({"image": name, **_asked(scene, "question" in path.stem)})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _asked(scene: Any, question: bool) -> dict[str, Any]:
    if question:
        return {"question": f"what colour is {scene.phrase}", "references": ["red"]}
    return {"phrase": scene.phrase, "box": [float(edge) for edge in scene.box]}


def panoptic(folder: Path) -> None:
    """A data set of two images in the COCO panoptic format."""
    made = PanopticFolder(folder)
    for number in (1, 2):
        made.add(number, [(11, 119, (0, 0, 64, 20)), (12, 1, (8, 16, 40, 44))])
    made.write()


def _saved(hf: Any, processor: Any, folder: Path) -> None:
    hf.save_pretrained(folder)
    processor.save_pretrained(folder)


@cache
def scenes() -> tuple[Any, ...]:
    """Scenes with one phrase and its box each; no embedded model saw them."""
    return tuple(referring_samples(list(SCENES)))


@cache
def _model() -> Any:
    return vs.load("tiny-llava")


def names() -> dict[str, Any]:
    """What pages may use without making it."""
    model, found = _model(), scenes()
    return {
        "model": model,
        "image": found[0].image,
        "samples": [(scene.image, scene.phrase) for scene in found[:2]],
        "other_samples": [(scene.image, scene.phrase, scene.box) for scene in found[2:]],
        "questions": [(scene.image, f"what colour is {scene.phrase}") for scene in found[:2]],
        "hf_model": model.hf,
        "processor": model.processor,
        "tokenizer": model.processor.tokenizer,
        "short": Settings(max_new_tokens=12),
    }
