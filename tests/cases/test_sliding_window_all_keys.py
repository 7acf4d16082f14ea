"""Rows on every key keep their columns when a sliding window has dropped the oldest keys."""

import numpy as np
import torch

import vlmscope as vs
from families import llava

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def test_columns_are_positions() -> None:
    model = llava(text="mistral")  # a window of 24, shorter than the prompt
    with vs.capture(model, rows="generated", keys="all") as trace:
        answer = vs.generate(model, PIXELS, "what is it", max_new_tokens=6)
    maps, rows = trace.maps, trace.row_positions().tolist()
    inputs = model.encode([PIXELS], ["what is it"]).inputs
    ids = torch.cat([inputs["input_ids"], answer.ids[None]], 1)
    model.hf.set_attn_implementation("eager")
    with torch.no_grad():
        out = model.hf(
            input_ids=ids,
            pixel_values=inputs["pixel_values"],
            attention_mask=torch.ones_like(ids),
            output_attentions=True,
            use_cache=False,
        )
    wanted = torch.stack([each[0][:, rows] for each in out.attentions])
    assert maps.shape[-1] == rows[-1] + 1
    torch.testing.assert_close(maps, wanted[..., : maps.shape[-1]], atol=1e-5, rtol=0)
