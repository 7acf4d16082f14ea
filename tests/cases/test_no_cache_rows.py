"""A model left with use_cache=False after training gives each row of its answer once."""

import numpy as np
import torch

import vlmscope as vs
from families import llava

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def test_rows_without_a_cache() -> None:
    model = llava()
    with vs.capture(model, rows="generated") as trace:
        plain = vs.generate(model, PIXELS, "what is it", max_new_tokens=5)
    model.hf.generation_config.use_cache = False
    with vs.capture(model, rows="generated") as slow:
        answer = vs.generate(model, PIXELS, "what is it", max_new_tokens=5)
    assert torch.equal(answer.ids, plain.ids)
    assert slow.row_positions().tolist() == trace.row_positions().tolist()
    torch.testing.assert_close(slow.maps, trace.maps, atol=1e-5, rtol=0)
