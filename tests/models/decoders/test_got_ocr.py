"""What is special to GOT-OCR: its own words around a question, tiles where they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import transformers
from PIL import Image

import vlmscope as vs
from lvlms import made
from lvlms.build import special_tokenizer
from lvlms.got_ocr import SPECIAL
from vlmscope.errors import ModelMismatchError


def picture(height: int = 60, width: int = 180) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


def processor(kind: str = "GotOcr2", **images: object) -> object:
    settings = {"size": {"height": 128, "width": 128}, **images}
    fitting = getattr(transformers, f"{kind}ImageProcessorPil")(**settings)
    return getattr(transformers, f"{kind}Processor")(fitting, special_tokenizer(SPECIAL, bos=False))


def test_without_a_template_the_prompt_is_what_the_processor_writes_by_itself() -> None:
    model = vs.from_pretrained_model(made("got-ocr").hf, processor())
    assert not model.processor.chat_template
    theirs = model.processor(Image.fromarray(picture()), return_tensors="pt")["input_ids"]
    assert model.encode([picture()], [" OCR: "]).inputs["input_ids"].tolist() == theirs.tolist()


def test_tiles_are_cut_where_they_are_asked_for() -> None:
    model = made("got-ocr")
    whole = vs.token_map(model, picture(), "text")
    tiles = vs.token_map(model, picture(), "text", placement="tiles")
    assert [view.grid for view in whole.views] == [(16, 16)] and whole.placement == "squash"
    assert [(view.name, view.grid) for view in tiles.views] == [
        ("tiles", (16, 48)),
        ("thumbnail", (16, 16)),
    ]
    theirs = model.processor(
        [Image.fromarray(picture())],
        "<imgpad>",
        crop_to_patches=True,
        max_patches=4,
        return_tensors="pt",
    )
    ours = model.encode([picture()], ["text"], placement="tiles").inputs["pixel_values"]
    assert ours.shape == theirs["pixel_values"].shape
    assert len(tiles.image_positions) == theirs["input_ids"].shape[1]


@pytest.mark.parametrize("name", ["got-ocr", "pp-chart2table"])
def test_a_processor_of_another_size_is_refused(name: str) -> None:
    kind = "GotOcr2" if name == "got-ocr" else "PPChart2Table"
    wrong = processor(kind, size={"height": 96, "width": 96})
    with pytest.raises(ModelMismatchError, match="96x96 pixels"):
        vs.from_pretrained_model(made(name).hf, wrong)
