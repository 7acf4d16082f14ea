"""A served request gives what localization heads give on the loaded model; bad files are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from vlmscope.errors import AttentionError, BadOptionError, ModelMismatchError
from vlmscope.methods.served import ServedRequest, ServedStates, ground_served
from vlmscope.results import Grounding

Changed = Callable[..., Path]
HERE = Path()


def live(folder: Path, request: ServedRequest) -> Grounding:
    result = vs.ground(vs.load("tiny-llava"), folder / "scene.png", request.prompt)
    assert isinstance(result, Grounding)
    return result


def grounded(value: dict[str, Any], file: Path, **options: Any) -> Grounding:
    return ground_served(ServedRequest.of(value, HERE), ServedStates.open(file), **options)


def test_float32_gives_the_live_result(exact: Path) -> None:
    request = ServedRequest.read(exact / "request.json")
    ours = ground_served(request, ServedStates.open(exact / "hidden.safetensors"))
    theirs = live(exact, request)
    np.testing.assert_allclose(ours.score_map, theirs.score_map, atol=1e-6, rtol=0)
    record = ours.to_dict()
    origin = record["details"].pop("hidden_states")
    expected = theirs.to_dict()
    assert origin == {
        "file": "hidden.safetensors",
        "layers": [2],
        "dtype": "float32",
        "token_ids_checked": True,
    }
    assert record["box"] == expected["box"]
    assert record["warnings"] == expected["warnings"]
    assert record["score"] == pytest.approx(expected["score"], abs=1e-6)
    assert set(record) == set(expected)
    assert set(record["details"]) == set(expected["details"])
    for name in ("heads", "rows", "row_tokens", "prompt", "placement", "revision", "post"):
        assert record["details"][name] == expected["details"][name]


def test_the_recorded_one_differs_by_the_rounding_of_bfloat16(recorded: Path) -> None:
    request = ServedRequest.read(recorded / "request.json")
    ours = ground_served(request, ServedStates.open(recorded / "hidden.safetensors"))
    theirs = live(recorded, request)
    difference = float(np.abs(ours.score_map - theirs.score_map).max())
    assert 0 < difference < 0.02 * float(theirs.score_map.max())
    assert ours.box == theirs.box
    assert ours.point == theirs.point


def test_heads_of_several_layers_and_options(exact: Path, request_value: dict[str, Any]) -> None:
    file = exact / "hidden.safetensors"
    ours = grounded(request_value, file, heads="L2H0,L3H1", keep="peak", rows="last_input")
    model = vs.load("tiny-llava")
    theirs = vs.ground(
        model,
        exact / "scene.png",
        request_value["prompt"],
        heads="L2H0,L3H1",
        rows="last_input",
        keep="peak",
        prompt="paper",
    )
    np.testing.assert_allclose(ours.score_map, theirs.score_map, atol=1e-6, rtol=0)
    assert ours.box == theirs.box
    assert ours.warnings == theirs.warnings


def test_a_layer_that_the_request_does_not_name(exact: Path, request_value: dict[str, Any]) -> None:
    with pytest.raises(
        BadOptionError, match=r"layers 1, 2, and the request names no tensor for 1;"
    ):
        grounded(request_value, exact / "hidden.safetensors", heads="L1H0,L2H0")


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (
            lambda t: t.update(other=t.pop("hidden_states")),
            BadOptionError,
            r"'hidden_states' for layer 2, and .* has none: it holds (other, token_ids|token_ids, other)",
        ),
        (
            lambda t: t.update(hidden_states=t["hidden_states"][:, 0]),
            BadOptionError,
            "which has no column 0",
        ),
        (
            lambda t: t.update(hidden_states=t["hidden_states"][20:]),
            AttentionError,
            "prefix caching",
        ),
        (
            lambda t: t.update(hidden_states=t["hidden_states"][..., :-1]),
            AttentionError,
            "those of another model",
        ),
        (
            lambda t: t.update(hidden_states=t["hidden_states"].to(torch.int16)),
            AttentionError,
            "are int16",
        ),
        (
            lambda t: t["hidden_states"].mul_(float("nan")),
            AttentionError,
            "not finite",
        ),
        (
            lambda t: t["token_ids"][-3:].add_(1),
            AttentionError,
            r"Position \d+ is '.*' in the engine",
        ),
        (
            lambda t: t.update(token_ids=t["token_ids"][:-1]),
            AttentionError,
            r"engine's prompt has \d+ tokens",
        ),
        (
            lambda t: t.update(token_ids=t["token_ids"].float()),
            AttentionError,
            "whole numbers",
        ),
    ],
)
def test_files_that_cannot_be_right(
    changed: Changed, request_value: dict[str, Any], change: Any, error: Any, sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        grounded(request_value, changed(change))


def test_one_layer_under_two_numbers(changed: Changed, request_value: dict[str, Any]) -> None:
    file = changed(lambda t: t["hidden_states"][:, 1].copy_(t["hidden_states"][:, 0]))
    with pytest.raises(AttentionError, match="layer 2 are those of layer 3 to the last digit"):
        grounded(request_value, file, heads="L2H0,L3H0")


def test_without_ids_the_length_alone_is_checked(
    changed: Changed, request_value: dict[str, Any]
) -> None:
    file = changed(lambda t: t.pop("token_ids"))
    result = grounded(request_value, file)
    assert result.details["hidden_states"]["token_ids_checked"] is False
    with pytest.raises(AttentionError, match="another prompt, or generated tokens"):
        grounded({**request_value, "prompt": "circle"}, file)


def test_a_tensor_of_one_layer(changed: Changed, request_value: dict[str, Any]) -> None:
    file = changed(lambda t: t.update(two=t["hidden_states"][:, 0]))
    alone = grounded({**request_value, "layers": {"2": "two"}}, file)
    assert alone.box == grounded(request_value, file).box
    with pytest.raises(BadOptionError, match="say which is layer 2"):
        grounded({**request_value, "layers": {"2": "hidden_states"}}, file)


def test_another_revision(exact: Path, request_value: dict[str, Any]) -> None:
    request_value["revision"] = "sha256:0000000000000000"
    with pytest.raises(ModelMismatchError, match="of revision sha256:0000"):
        grounded(request_value, exact / "hidden.safetensors")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadOptionError, match="There is no file of hidden states"):
        ServedStates.open(tmp_path / "hidden.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(BadOptionError, match="no whole safetensors file"):
        ServedStates.open(tmp_path / "cut.safetensors")
