"""Pixtral's processor without torchvision: built, copied, saved and loaded; transformers stays as it is."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers
from PIL import Image

from lvlms import made
from vlmscope.models.loading.pillow_classes import processor_class
from vlmscope.models.loading.processors import load_processor


def test_a_class_that_needs_nothing_is_transformers_own() -> None:
    assert processor_class("LlavaProcessor") is transformers.LlavaProcessor
    assert processor_class("NoSuchProcessor") is None


@pytest.mark.skipif(
    transformers.utils.is_torchvision_available(), reason="transformers gives its own class"
)
def test_the_class_is_read_without_a_trace_in_transformers() -> None:
    cls = processor_class("PixtralProcessor")
    assert cls is processor_class("PixtralProcessor")
    assert "transformers.models.pixtral.processing_pixtral" not in sys.modules
    assert "transformers.models.pixtral.image_processing_pixtral" not in sys.modules
    assert transformers.PixtralProcessor.is_dummy


def test_a_saved_one_loads_by_its_name_and_is_copied(tmp_path: Path) -> None:
    made("pixtral").processor.save_pretrained(tmp_path)
    loaded = load_processor(str(tmp_path), {})
    assert type(loaded).__name__ == "PixtralProcessor"
    image = Image.fromarray(np.zeros((30, 50, 3), np.uint8))
    ids = [
        each(images=[[image]], text=["a dog [IMG]"], return_tensors="pt")["input_ids"].tolist()
        for each in (made("pixtral").processor, loaded, copy.deepcopy(loaded))
    ]
    assert ids[0] == ids[1] == ids[2] and len(ids[0][0]) > 10


def test_what_it_counts_without_an_image_is_what_it_writes() -> None:
    """The one function that is taken from the Pillow half."""
    processor = made("pixtral").processor
    counted = processor._get_num_multimodal_tokens(image_sizes=[(200, 120)])
    values = processor.image_processor(
        images=[Image.fromarray(np.zeros((200, 120, 3), np.uint8))], return_tensors="pt"
    )
    written = processor.replace_image_token(values, 0)
    assert counted["num_image_tokens"] == [written.count("[")]
