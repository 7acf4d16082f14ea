"""Methods that read attention share the passes over an image, and give what each gives alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from families import llava
from lvlms import made
from vlmscope.data.datasets import Dataset, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.models import LoadedModel

METHODS = ("mean-attention", "attend-minus-mean", "relative-attention")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("set") / "refcoco"
    make_tiny("refcoco", folder, 2)
    return open_dataset("refcoco", folder, split="val")


class Passes:
    """Lengths of the passes through a decoder, those with an image apart."""

    def __init__(self, model: LoadedModel) -> None:
        self.with_image: list[int] = []
        self.behind_it: list[int] = []
        self._model = model

    def __enter__(self) -> Passes:
        self._hook = self._model.decoder.register_forward_pre_hook(self._entered, with_kwargs=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _entered(self, module: torch.nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        """An image comes as embeddings, phrases behind its prefix as ids."""
        embeds = kwargs.get("inputs_embeds")
        if embeds is None:
            self.behind_it.append(kwargs["input_ids"].shape[1])
        else:
            self.with_image.append(embeds.shape[1])


def rows_of(path: Path, model: LoadedModel, data: Dataset, methods: tuple[str, ...]) -> list[dict]:
    evaluate(data, model, choose(methods), tasks=["referring"], progress=False, rows=path)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["qwen2-vl", "llava-next", "paligemma", "mllama"])
def test_several_methods_give_to_the_bit_what_each_gives_alone(
    name: str, data: Dataset, tmp_path: Path
) -> None:
    model = made(name)
    together = rows_of(tmp_path / "together", model, data, METHODS)
    alone = [row for each in METHODS for row in rows_of(tmp_path / each, model, data, (each,))]
    assert together == alone and len(together) == 3 * 18


@pytest.mark.parametrize(("name", "passes"), [("qwen2-vl", 1), ("paligemma", 19)])
def test_the_image_passes_once_where_it_does_not_see_the_text(
    name: str, passes: int, data: Dataset, tmp_path: Path
) -> None:
    """Nine sentences on an image; relative attention asks one more."""
    model = made(name)
    with Passes(model) as seen:
        rows_of(tmp_path / "rows", model, data, METHODS)
    assert len(seen.with_image) == passes * len(data.image_ids)


def test_sentences_of_methods_with_the_same_prompts_are_run_once(
    data: Dataset, tmp_path: Path
) -> None:
    model = llava()
    with Passes(model) as one:
        rows_of(tmp_path / "one", model, data, METHODS[:1])
    with Passes(model) as two:
        rows_of(tmp_path / "two", model, data, METHODS[:2])
    assert one.behind_it and (two.with_image, two.behind_it) == (one.with_image, one.behind_it)
