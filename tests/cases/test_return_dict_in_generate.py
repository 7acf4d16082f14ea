"""return_dict_in_generate, as an option or left in the model's settings, changes no answer."""

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize("way", ["option", "settings"])
def test_a_record_in_place_of_ids(way: str) -> None:
    model = llava()
    plain = vs.generate(model, PIXELS, "what is it", max_new_tokens=4)
    options = {}
    if way == "option":
        options = {"return_dict_in_generate": True, "output_scores": True}
    else:
        model.hf.generation_config.return_dict_in_generate = True
        model.hf.generation_config.output_attentions = True
    answer = vs.generate(model, PIXELS, "what is it", max_new_tokens=4, **options)
    assert torch.equal(answer.ids, plain.ids)
