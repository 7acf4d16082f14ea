"""What is special to an image read by cross-attention: rows, knock-outs, canvases of tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import made
from lvlms.mllama import mllama
from vlmscope.errors import ModelMismatchError

PHRASE = "the small red circle on the left"
CROSS, SELF = (1, 3), (0, 2)


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def eager(model: vs.models.LoadedModel) -> tuple[torch.Tensor, list[torch.Tensor]]:
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            inputs = model.encode([picture()], [PHRASE]).inputs
            out = model.hf(**inputs, output_attentions=True)
    finally:
        model.decoder.set_attn_implementation("sdpa")
    return out.logits[:, -1], list(out.attentions)


def test_rows_of_cross_attention_equal_eager_and_all_others_are_zero() -> None:
    model = made("mllama")
    seen: dict[int, torch.Tensor] = {}
    hooks = [
        model.layers[number].cross_attn.register_forward_hook(
            lambda _, args, output, number=number: seen.update({number: output[1]})
        )
        for number in CROSS
    ]
    eager(model)
    for hook in hooks:
        hook.remove()
    with vs.capture(model, rows="phrase") as trace:
        vs.prefill(model, picture(), PHRASE)
    tokens = trace.token_map
    rows, keys = tokens.positions("phrase"), tokens.image_positions
    for number in CROSS:
        expected = seen[number][0][:, rows][:, :, keys]
        assert expected.amax(-1).median() > 2 / len(keys), "the rows should have peaks"
        torch.testing.assert_close(trace.maps[number], expected, atol=1e-5, rtol=0)
    assert trace.maps[list(SELF)].abs().max() == 0.0


def test_blocking_the_image_makes_the_layers_output_zero_for_those_rows() -> None:
    model = made("mllama")
    tokens = vs.token_map(model, picture(), PHRASE)
    rows = tokens.positions("phrase")

    def cut(module: torch.nn.Module, args: tuple, output: tuple) -> tuple:
        changed = output[0].clone()
        changed[:, rows] = 0.0
        return changed, output[1]

    hook = model.layers[1].cross_attn.register_forward_hook(cut)
    expected, _ = eager(model)
    hook.remove()
    with vs.capture(model, rows="phrase") as trace:
        with vs.knockout(model, [("image", "phrase")], layers=[1]):
            blocked = vs.prefill(model, picture(), PHRASE).logits
    torch.testing.assert_close(blocked, expected, atol=1e-4, rtol=0)
    assert trace.maps[1].abs().max() == 0.0 and trace.maps[3].max() > 0
    assert (blocked - vs.prefill(model, picture(), PHRASE).logits).abs().max() > 1e-4


def test_blocking_text_leaves_the_cross_attention_as_it_is() -> None:
    model = made("mllama")
    with vs.capture(model, layers=[1]) as clean:
        vs.prefill(model, picture(), PHRASE)
    with (
        vs.capture(model, layers=[1]) as trace,
        vs.knockout(model, [("query", "last")], layers=[1]),
    ):
        vs.prefill(model, picture(), PHRASE)
    assert torch.equal(clean.maps, trace.maps)


def test_chosen_heads_alone_lose_the_image() -> None:
    model = made("mllama")
    with vs.capture(model, layers=[1]) as trace:
        with vs.knockout(model, [("image", "query")], layers=[1], heads=[2, 6]):
            vs.prefill(model, picture(), PHRASE)
    lost = [head for head in range(8) if trace.maps[0, head].max() == 0]
    assert lost == [2, 6]


@pytest.mark.parametrize(
    ("size", "grid"), [((56, 56), (4, 4)), ((50, 200), (4, 16)), ((300, 90), (16, 4))]
)
def test_the_canvas_has_the_tiles_that_the_image_needs(
    size: tuple[int, int], grid: tuple[int, int]
) -> None:
    tokens = vs.token_map(made("mllama"), picture(*size), PHRASE)
    assert tokens.views[0].grid == grid
    x0, y0, x1, y1 = tokens.seen
    assert (x0, y0) == (0, 0) and (x1, y1) == (size[1], size[0]), "the whole image is seen"


def test_other_tiles_are_refused_with_both_numbers() -> None:
    with pytest.raises(ModelMismatchError, match="up to 2 tiles.*up to 4"):
        mllama(tiles=2)
    with pytest.raises(ModelMismatchError, match="84x84 pixels.*56x56"):
        mllama(side=84)


def test_grounding_reads_cross_attention() -> None:
    found = vs.ground(made("mllama"), picture(), [PHRASE, "pizza"], heads=[(1, 0), (3, 1)])
    assert [each.heatmap.shape for each in found] == [(70, 110)] * 2
    assert found[0].score_map.max() > 0
