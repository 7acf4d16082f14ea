"""Options of generate that change which passes are made: right rows, or a refusal by name."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from transformers import GenerationConfig

import lvlms
import vlmscope as vs
from families import llava
from vlmscope.attention.forced import encode_forced, run_forced
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel

PIXELS = np.random.default_rng(7).integers(0, 255, (60, 80, 3), dtype=np.uint8)
QUESTION = "what is it"


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return llava(text="llama")


def _teacher_forced(model: LoadedModel, ids: torch.Tensor) -> torch.Tensor:
    """Attention (layers, heads, positions, positions) of one eager pass over prompt and answer."""
    encoded = model.encode([PIXELS], [QUESTION])
    whole = torch.cat([encoded.inputs["input_ids"], ids[None]], 1)
    kernel = model.hf.config._attn_implementation
    model.hf.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            out = model.hf(
                input_ids=whole,
                pixel_values=encoded.inputs["pixel_values"],
                attention_mask=torch.ones_like(whole),
                output_attentions=True,
                use_cache=False,
            )
    finally:
        model.hf.set_attn_implementation(kernel)
    return torch.stack(out.attentions)[:, 0]


CHANGES = {
    "beams": {"num_beams": 3},
    "sampled beams": {"num_beams": 2, "do_sample": True},
    "a whole setting": {"generation_config": GenerationConfig(num_beams=3, do_sample=False)},
    "no cache": {"use_cache": False},
    "prompt lookup": {"prompt_lookup_num_tokens": 3},
    "guidance": {"guidance_scale": 2.0},
    "static cache": {"cache_implementation": "static"},
    "sampling": {"do_sample": True, "temperature": 3.0},
    "chunks": {"prefill_chunk_size": 16},
    "no cache, with attentions": {"use_cache": False, "output_attentions": True},
}


@pytest.mark.parametrize("name", CHANGES)
def test_rows_are_those_of_the_returned_answer(model: LoadedModel, name: str) -> None:
    torch.manual_seed(0)
    with vs.capture(model, rows="generated", keys="all") as trace:
        answer = vs.generate(model, PIXELS, QUESTION, max_new_tokens=6, **CHANGES[name])
    rows = trace.row_positions().tolist()
    start = len(answer.token_map) - len(answer.ids)
    assert rows == list(range(start - 1, start - 1 + len(answer.ids)))
    wanted = _teacher_forced(model, answer.ids)[:, :, rows]
    maps = trace.maps
    torch.testing.assert_close(maps, wanted[..., : maps.shape[-1]], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["beams", "no cache", "prompt lookup"])
def test_answer_is_the_same_with_and_without_a_capture(model: LoadedModel, name: str) -> None:
    plain = vs.generate(model, PIXELS, QUESTION, max_new_tokens=6, **CHANGES[name])
    with vs.capture(model, rows="last_text") as trace:
        watched = vs.generate(model, PIXELS, QUESTION, max_new_tokens=6, **CHANGES[name])
    assert torch.equal(plain.ids, watched.ids)
    with vs.capture(model, rows="last_text") as alone:
        vs.prefill(model, PIXELS, QUESTION)
    torch.testing.assert_close(trace.maps, alone.maps, atol=1e-5, rtol=0)


def test_draft_of_another_model_leaves_no_rows(model: LoadedModel) -> None:
    draft = llava(text="llama", layers=1)
    with vs.capture(model, rows="generated") as trace:
        plain = vs.generate(model, PIXELS, QUESTION, max_new_tokens=6)
    with vs.capture(model, rows="generated") as drafted:
        answer = vs.generate(model, PIXELS, QUESTION, max_new_tokens=6, assistant_model=draft.hf)
    assert torch.equal(plain.ids, answer.ids)
    torch.testing.assert_close(drafted.maps, trace.maps, atol=1e-5, rtol=0)


def test_negative_positions_count_from_the_prompts_end_under_beams(model: LoadedModel) -> None:
    with vs.capture(model, rows=[-1, -2]) as trace:
        vs.prefill(model, PIXELS, QUESTION)
    with vs.capture(model, rows=[-1, -2]) as beams:
        vs.generate(model, PIXELS, QUESTION, max_new_tokens=4, num_beams=3)
    assert beams.row_positions().tolist() == trace.row_positions().tolist()


def test_beams_under_a_knockout_read_nothing_of_what_is_blocked(model: LoadedModel) -> None:
    edges = [("image", "generated"), ("image", "last")]
    with vs.knockout(model, edges), vs.capture(model, rows="generated") as trace:
        vs.generate(model, PIXELS, QUESTION, max_new_tokens=4, num_beams=3)
    assert float(trace.maps.abs().max()) == 0.0


def test_beams_of_another_family_are_those_of_its_forced_answer() -> None:
    other = lvlms.made("qwen2.5-vl")
    with vs.capture(other, rows="generated") as trace:
        answer = vs.generate(other, PIXELS, QUESTION, max_new_tokens=5, num_beams=3)
    encoded = encode_forced(other, PIXELS, QUESTION, answer.ids.numpy())
    with vs.capture(other, rows="generated") as forced:
        run_forced(other, encoded)
    torch.testing.assert_close(trace.maps, forced.maps, atol=1e-5, rtol=0)


REFUSED = {
    "num_return_sequences": {"num_return_sequences": 2, "num_beams": 2},
    "token_healing": {"token_healing": True},
    "penalty_alpha": {"penalty_alpha": 0.6, "top_k": 4},
    "assistant_early_exit": {"assistant_early_exit": 1},
    "custom_generate": {"custom_generate": "someone/decoding"},
    "input_ids": {"input_ids": torch.ones(1, 3, dtype=torch.long)},
    "past_key_values": {"past_key_values": None},
}


@pytest.mark.parametrize("name", REFUSED)
def test_option_is_refused_by_name(model: LoadedModel, name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        vs.generate(model, PIXELS, QUESTION, max_new_tokens=3, **REFUSED[name])


def test_guidance_inside_a_knockout_is_refused(model: LoadedModel) -> None:
    with (
        vs.knockout(model, [("image", "last")]),
        pytest.raises(UnsupportedError, match=r"guidance_scale=2\.0"),
    ):
        vs.generate(model, PIXELS, QUESTION, max_new_tokens=3, guidance_scale=2.0)


@pytest.fixture
def by_hand(model: LoadedModel) -> Iterator[dict[str, torch.Tensor]]:
    inputs = dict(model.encode([PIXELS], [QUESTION]).inputs)
    inputs.pop("position_ids")
    yield inputs
    assert "generate" not in model.hf.__dict__


@pytest.mark.parametrize(
    "options", [{"num_beams": 3}, {"use_cache": False}, {"prompt_lookup_num_tokens": 2}]
)
def test_users_own_generate_is_refused_by_name(
    model: LoadedModel, by_hand: dict[str, torch.Tensor], options: dict[str, object]
) -> None:
    (name,) = options
    with (
        vs.capture(model, rows="generated"),
        pytest.raises(UnsupportedError, match=name),
    ):
        model.hf.generate(**by_hand, max_new_tokens=3, **options)


def test_users_own_generate_left_without_a_cache_is_refused(
    model: LoadedModel, by_hand: dict[str, torch.Tensor]
) -> None:
    model.hf.generation_config.use_cache = False
    try:
        with (
            vs.capture(model, rows="generated"),
            pytest.raises(UnsupportedError, match="use_cache=False"),
        ):
            model.hf.generate(**by_hand, max_new_tokens=3)
    finally:
        model.hf.generation_config.use_cache = None


def test_users_own_plain_generate_is_recorded(
    model: LoadedModel, by_hand: dict[str, torch.Tensor]
) -> None:
    with vs.capture(model, rows="generated", keys="all") as trace:
        out = model.hf.generate(**by_hand, max_new_tokens=4, do_sample=False)
    rows = trace.row_positions().tolist()
    ids = out[0, by_hand["input_ids"].shape[1] :]
    wanted = _teacher_forced(model, ids)[:, :, rows]
    torch.testing.assert_close(trace.maps, wanted[..., : trace.maps.shape[-1]], atol=1e-5, rtol=0)


def test_layers_of_both_kinds_make_one_block_of_all_keys() -> None:
    mixed = lvlms.made("gemma3")
    with vs.capture(mixed, rows="generated", keys="all") as trace:
        vs.generate(mixed, PIXELS, QUESTION, max_new_tokens=5)
    maps, rows = trace.maps, trace.row_positions().tolist()
    assert maps.shape[-1] == rows[-1] + 1
    for index, row in enumerate(rows):
        assert float(maps[:, :, index, row].min()) > 0.0  # every row reads its own position
        assert float(maps[:, :, index, row + 1 :].abs().sum()) == 0.0
