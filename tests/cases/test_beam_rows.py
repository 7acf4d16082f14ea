"""The rows of an answer that beam search found are that answer's, not those of whichever beam ran."""

import numpy as np
import torch

import vlmscope as vs
from families import llava
from vlmscope.attention.forced import encode_forced, run_forced

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def test_rows_of_beams() -> None:
    model = llava(text="llama")
    with vs.capture(model, rows="generated") as trace:
        answer = vs.generate(model, PIXELS, "what is it", max_new_tokens=6, num_beams=4)
    with vs.capture(model, rows="generated") as forced:
        run_forced(model, encode_forced(model, PIXELS, "what is it", answer.ids.numpy()))
    assert trace.row_positions().tolist() == forced.row_positions().tolist()
    torch.testing.assert_close(trace.of(0), forced.of(0), atol=1e-5, rtol=0)
