"""Blocked edges carry nothing; the rest of the row renormalises; no row is ever emptied."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.errors import AttentionError, KnockoutError, UnknownNameError

PHRASE = "the small red circle on the left"
KINDS = ("llama", "llama-gqa", "mistral", "qwen2")


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (64, 50, 3), dtype=np.uint8)


def eager_reference(
    model: vs.models.LoadedModel,
    inputs: dict,
    source: np.ndarray,
    target: np.ndarray,
    layers: range,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits and attention of a pass whose layers get a hand-made additive mask, one by one."""
    hooks = []

    def block(module: torch.nn.Module, args: tuple, kwargs: dict) -> tuple:
        mask = kwargs["attention_mask"].clone()
        rows, columns = np.meshgrid(target, source, indexing="ij")
        mask[:, :, rows, columns] = torch.finfo(mask.dtype).min
        return args, {**kwargs, "attention_mask": mask}

    for number in layers:
        hooks.append(model.layers[number].register_forward_pre_hook(block, with_kwargs=True))
    model.decoder.set_attn_implementation("eager")
    with torch.no_grad():
        out = model.hf(**inputs, output_attentions=True)
    model.decoder.set_attn_implementation("sdpa")
    for hook in hooks:
        hook.remove()
    return out.logits[:, -1], list(out.attentions)


@pytest.mark.parametrize("kind", KINDS)
def test_equals_an_eager_reference(kind: str, image: np.ndarray) -> None:
    model = llava(kind)
    layers = range(1, 3)
    with vs.capture(model, rows="phrase", keys="all") as trace:
        with vs.knockout(model, [("image", "query")], layers=layers):
            out = vs.prefill(model, image, PHRASE)
    tokens = trace.token_map
    rows, keys = tokens.positions("query"), tokens.positions("image")
    inputs = model.encode([image], [PHRASE]).inputs
    logits, attentions = eager_reference(model, inputs, keys, rows, layers)
    torch.testing.assert_close(out.logits, logits, atol=1e-4, rtol=0)
    expected = torch.stack([a[0][:, tokens.positions("phrase")] for a in attentions])
    torch.testing.assert_close(trace.maps, expected, atol=1e-4, rtol=0)
    assert trace.maps[1:3][..., keys].abs().max() == 0.0
    assert trace.maps[3][..., keys].max() > 0.0
    torch.testing.assert_close(trace.maps.sum(-1), torch.ones(4, 8, len(rows)))


def test_it_changes_the_answer_and_only_inside(image: np.ndarray) -> None:
    model = llava()
    clean = vs.prefill(model, image, PHRASE).logits
    with vs.knockout(model, [("image", "text")]):
        blocked = vs.prefill(model, image, PHRASE).logits
        other = vs.prefill(model, 255 - image, PHRASE).logits
    assert (clean - blocked).abs().max() > 1e-3
    torch.testing.assert_close(blocked, other, atol=1e-5, rtol=0)  # no image reaches the text
    assert torch.equal(clean, vs.prefill(model, image, PHRASE).logits)


def test_edges_by_position_equal_edges_by_role(image: np.ndarray) -> None:
    model = llava()
    tokens = vs.token_map(model, image, PHRASE)
    by_position = (tokens.positions("image").tolist(), tokens.positions("query").tolist())
    with vs.knockout(model, [by_position], layers=[2]):
        first = vs.prefill(model, image, PHRASE).logits
    with vs.knockout(model, [("image", "query")], layers=[2]):
        second = vs.prefill(model, image, PHRASE).logits
    assert torch.equal(first, second)


def test_chosen_heads_only(image: np.ndarray) -> None:
    model = llava()
    with vs.capture(model, layers=[1]) as clean:
        vs.prefill(model, image, PHRASE)
    with (
        vs.capture(model, layers=[1]) as trace,
        vs.knockout(model, [("image", "query")], [1], [0, 5]),
    ):
        vs.prefill(model, image, PHRASE)
    lost = [head for head in range(8) if trace.maps[0, head].max() == 0]
    assert lost == [0, 5]
    kept = [head for head in range(8) if head not in lost]
    torch.testing.assert_close(trace.maps[0, kept], clean.maps[0, kept], atol=1e-6, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_batches_equal_single_runs(side: str, image: np.ndarray) -> None:
    model = llava()
    phrases = [PHRASE, "pizza"]
    with vs.knockout(model, [("image", "phrase")], layers=[0, 2]):
        batch = vs.prefill(model, image, phrases, padding_side=side).logits
        single = torch.cat([vs.prefill(model, image, phrase).logits for phrase in phrases])
    torch.testing.assert_close(batch, single, atol=1e-5, rtol=0)


def test_nested_knockouts_add_up(image: np.ndarray) -> None:
    model = llava()
    with vs.knockout(model, [("image", "query")], layers=[1]):
        with vs.knockout(model, [("system", "query")], layers=[1]):
            nested = vs.prefill(model, image, PHRASE).logits
    with vs.knockout(model, [("image", "query"), ("system", "query")], layers=[1]):
        joint = vs.prefill(model, image, PHRASE).logits
    assert torch.equal(nested, joint)


def test_generated_rows_are_blocked_step_by_step(image: np.ndarray) -> None:
    model = llava()
    edges = [("image", "generated"), ("image", "last")]
    with vs.capture(model, rows="generated") as trace, vs.knockout(model, edges):
        vs.generate(model, image, PHRASE, max_new_tokens=4, min_new_tokens=4)
    assert trace.maps.shape[2] == 4
    assert trace.maps.abs().max() == 0
    # without the last prompt position the first generated token still reads the image
    with vs.capture(model, rows="generated") as trace, vs.knockout(model, edges[:1]):
        vs.generate(model, image, PHRASE, max_new_tokens=4, min_new_tokens=4)
    assert trace.maps[:, :, 0].max() > 0
    assert trace.maps[:, :, 1:].abs().max() == 0


def test_teacher_forced_generated_rows_match_generation(image: np.ndarray) -> None:
    model = llava()
    with vs.knockout(model, [("image", "generated")]), vs.capture(model, rows="generated") as trace:
        vs.prefill(model, image, vs.models.Prompt(PHRASE, answer="a blue star"))
    assert trace.maps[:, :, 0].max() > 0  # the last prompt row predicts the first answer token
    assert trace.maps[:, :, 1:].abs().max() == 0


def test_a_row_without_keys_is_refused(image: np.ndarray) -> None:
    model = llava()
    everything = [("system", "phrase"), ("image", "phrase"), ("query", "phrase")]
    with pytest.raises(KnockoutError, match="position .* without any key"):
        with vs.knockout(model, everything):
            vs.prefill(model, image, PHRASE)


def test_a_role_needs_a_token_map(image: np.ndarray) -> None:
    model = llava()
    with (
        pytest.raises(AttentionError, match=r"vlmscope.prefill"),
        vs.knockout(model, [("image", "query")]),
    ):
        model.hf(**model.encode([image], [PHRASE]).inputs)


@pytest.mark.parametrize(
    ("edges", "error", "message"),
    [
        ([("imag", "query")], UnknownNameError, "'image'"),
        ([], AttentionError, "at least one edge"),
        (["image"], AttentionError, "pair"),
    ],
)
def test_bad_edges(edges: list, error: type, message: str) -> None:
    with pytest.raises(error, match=message), vs.knockout(llava(), edges):
        pass
