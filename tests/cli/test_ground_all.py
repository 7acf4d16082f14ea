"""``vlmscope ground --method all``, the attention methods, and whose options the help shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dual_families import clip
from vlmscope.cli.model_kind import named_default, named_methods
from vlmscope.methods import methods
from vlmscope.methods.decoder import ReadingMethod
from vlmscope.methods.encoder import DenseMethod

DECODER = [method.id for method in methods() if isinstance(method, ReadingMethod)]
ENCODER = [method.id for method in methods() if isinstance(method, DenseMethod)]
ATTENTION = ["mean-attention", "relative-attention", "attend-minus-mean"]


@pytest.fixture
def words(checkpoint: Path, photo: Path) -> list[Any]:
    return ["ground", photo, "the red square", "--model", checkpoint, "--method", "all"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    model = clip()
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


# all of them


def test_a_table_of_every_method(run: Any, words: list[Any]) -> None:
    result = run(*words[:3], "a dog", *words[3:], "--heads", "L2H1,L3H2", "--keep-negative")
    assert result.code == 0, result.err
    header, *rows = result.out.splitlines()
    assert header.split()[:2] == ["phrase", "method"]
    assert [row.split("  ")[0] for row in rows] == ["the red square"] * len(DECODER) + [
        "a dog"
    ] * len(DECODER)
    assert [row[16:].split()[0] for row in rows] == DECODER * 2
    assert "warning: relative-attention: In the generic prompt" in result.err


def test_json_has_one_entry_per_method_and_phrase(run: Any, words: list[Any]) -> None:
    options = ["--heads", "L2H1", "--layer", "3", "--json", "--arrays", "--sigma", "0.5"]
    result = run(*words[:3], "a dog", *words[3:], *options)
    record = json.loads(result.out)
    found = [(each["phrase"], each["method"]) for each in record["groundings"]]
    assert found == [
        (phrase, method) for phrase in ("the red square", "a dog") for method in DECODER
    ]
    assert record["methods"] == DECODER and record["left_out"] == {} and record["written"] == []
    by = {each["method"]: each for each in record["groundings"]}
    assert by["relative-attention"]["details"]["layers"] == [3]
    assert by["localization-heads"]["details"]["post"]["sigma"] == 0.5
    assert np.array(by["mean-attention"]["score_map"]).shape == (4, 4)


def test_a_method_that_is_left_out_is_said_and_makes_the_code_1(run: Any, words: list[Any]) -> None:
    result = run(*words, "--json")
    record = json.loads(result.out)
    assert result.code == 1
    assert record["methods"] == DECODER[1:]
    assert "No localization heads are known" in record["left_out"]["localization-heads"]
    assert "warning: localization-heads was left out: No localization heads" in result.err


def test_one_picture_or_one_per_phrase(run: Any, words: list[Any], tmp_path: Path) -> None:
    words += ["--heads", "L2H1", "--quiet"]
    out = tmp_path / "all.png"
    assert run(*words[:3], "a dog!", *words[3:], "--out", out).code == 0
    folder = tmp_path / "pictures"
    assert run(*words[:3], "a dog!", *words[3:], "--out", folder).code == 0
    assert sorted(each.name for each in folder.iterdir()) == [
        "01-the-red-square.png",
        "02-a-dog.png",
    ]
    with Image.open(out) as both, Image.open(folder / "02-a-dog.png") as one:
        # an image and the methods, each as wide as a cell
        assert (1 + len(DECODER)) * 280 < one.width == both.width
        assert both.height > one.height + 280 * 60 // 90


def test_every_method_of_an_encoder(run: Any, encoder: Path, photo: Path) -> None:
    result = run("ground", photo, "a cat", "-m", encoder, "--method", "all", "--side", 64, "--json")
    assert result.code == 0, result.err
    record = json.loads(result.out)
    assert record["methods"] == [each for each in ENCODER if each != "proxyclip"]  # needs a tower
    assert {each["details"]["side"] for each in record["groundings"]} == {64}


def test_bad_input(refused: Any, words: list[Any], encoder: Path, tmp_path: Path) -> None:
    refused([*words, "--layer", "9"], "looks at the image", "Got 9")
    refused([*words, "--depth", "3"], "--depth")
    refused([*words, "--heads", "L9H1"], "no head L9H1")
    refused([*words, "--say"], "--method")
    words[4] = encoder
    refused([*words, "--rows", "phrase", "--out", tmp_path / "a.png"], "has a use for rows")
    words[-1] = "al"
    refused(words, "Unknown method 'al'")


# one of them


@pytest.mark.parametrize("method", ATTENTION)
def test_a_method_alone(run: Any, words: list[Any], method: str) -> None:
    words[-1] = method
    result = run(*words, "--json", "--threshold", "otsu", "--rows", "phrase")
    assert result.code == 0, result.err
    (found,) = json.loads(result.out)["groundings"]
    assert (found["method"], found["details"]["options"]["threshold"]) == (method, "otsu")
    assert found["details"]["row_tokens"] == ["the", "red", "square"]


def test_a_method_has_no_use_for_heads(refused: Any, words: list[Any]) -> None:
    refused([*words[:-1], "mean-attention", "--heads", "L1H1"], "'mean-attention' knows no heads")
    refused([*words[:-1], "mean-attention", "--layer", "1"], "--layer")


@pytest.mark.parametrize("method", ATTENTION)
def test_eval_measures_it(run: Any, checkpoint: Path, method: str) -> None:
    option = {
        "mean-attention": "last_layer=2",
        "relative-attention": "layer=3",
        "attend-minus-mean": "keep_negative=yes",
    }[method]
    words = ["eval", "tiny-scenes", "-m", checkpoint, "--method", method, "--limit", 2, "--json"]
    result = run(*words, "--options", f"{method}.{option}", "--quiet")
    assert result.code == 0, result.err
    (measured,) = json.loads(result.out)["runs"]
    assert {"pointing", "Acc@0.5"} <= set(measured["scores"])
    name, value = option.split("=")
    assert str(measured["setting"]["options"][name]) == {"yes": "True"}.get(value, value)


# whose options the help shows


def help_of(run: Any, *words: object) -> str:
    return " ".join(run("ground", *words, "--help").out.split())


def test_without_a_method_the_help_is_of_the_first_that_runs_on_the_model(
    run: Any, checkpoint: Path, encoder: Path
) -> None:
    for words in ((), ("-m", checkpoint), ("--model=llava-hf/llava-1.5-7b-hf",)):
        text = help_of(run, *words)
        assert "--greedy" in text and "--compete" not in text
    for words in (("-m", "tiny-clip"), ("-mtiny-clip",), ("--model", encoder)):
        text = help_of(run, *words)
        assert "--compete" in text and "--outliers" in text and "--greedy" not in text


def test_an_encoder_takes_its_options_without_a_method(
    run: Any, encoder: Path, photo: Path
) -> None:
    result = run("ground", photo, "a cat", "-m", encoder, "--outliers", 0.1, "--json")
    assert result.code == 0, result.err
    (found,) = json.loads(result.out)["groundings"]
    assert (found["method"], found["details"]["options"]["outliers"]) == ("sc-clip", 0.1)


def test_all_has_the_options_of_all(run: Any, checkpoint: Path) -> None:
    text = help_of(run, "-m", checkpoint, "--method", "all")
    for option in ("--greedy", "--last-layer", "--generic", "--keep-negative", "--sigma"):
        assert text.count(f"{option} ") + text.count(f"{option}/") == 1, option
    assert "--compete" not in text


def test_the_last_method_counts_for_options_and_run(run: Any, words: list[Any]) -> None:
    words[-1] = "gem"
    result = run(*words, "--method", "mean-attention", "--last-layer", 2, "--json")
    assert result.code == 0, result.err
    (found,) = json.loads(result.out)["groundings"]
    assert (found["method"], found["details"]["layers"]) == ("mean-attention", [0, 1, 2])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], DECODER),
        (["-m", "openai/clip-vit-base-patch16"], ENCODER),
        (["-m", "Qwen/Qwen2-VL-2B-Instruct"], DECODER),
        (["-m", "nobody/nothing"], DECODER + ENCODER),
        (["-m", "nonsense"], DECODER + ENCODER),
    ],
)
def test_methods_of_a_model_that_is_not_loaded(words: list[str], expected: list[str]) -> None:
    assert [method.id for method in named_methods(words, "tiny-llava")] == expected


@pytest.mark.parametrize(
    ("words", "ground", "dense"),
    [
        ([], "localization-heads", "sc-clip"),
        (["-m", "tiny-clip"], "sc-clip", "sc-clip"),
        (["-m", "openai/clip-vit-base-patch16"], "sc-clip", "sc-clip"),
        (["-m", "google/siglip-base-patch16-224"], "gem", "gem"),
        (["-m", "nobody/nothing"], "localization-heads", "sc-clip"),
    ],
)
def test_the_default_of_a_model_that_is_not_loaded(
    words: list[str], ground: str, dense: str
) -> None:
    assert named_default(words, "tiny-llava").id == ground
    assert named_default(words, "tiny-clip", dense=True).id == dense


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "clip", "vision_config": {"hidden_size": 512}}, "sc-clip"),
        ({"model_type": "clip", "vision_config": {"hidden_size": 128}}, "sc-clip"),
        ({"model_type": "clip", "vision_config": {}}, "sc-clip"),
        ({"model_type": "clip", "vision_config": 3}, "sc-clip"),
        ({"model_type": "vit", "hidden_size": 768}, "sc-clip"),
        ({"model_type": "siglip", "vision_config": {"hidden_size": 768}}, "gem"),
    ],
)
def test_the_default_depends_on_what_a_configuration_says(
    tmp_path: Path, config: dict[str, Any], expected: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    for dense in (False, True):
        assert named_default(["-m", str(tmp_path)], "tiny-llava", dense).id == expected


def test_a_broken_folder_breaks_when_it_is_loaded(run: Any, tmp_path: Path) -> None:
    for content in ("{broken", "[]", '{"model_type": "gpt2"}', "{}"):
        (tmp_path / "config.json").write_text(content)
        assert len(named_methods(["-m", str(tmp_path)], "tiny-llava")) == len(DECODER + ENCODER)
        assert run("ground", "-m", tmp_path, "--help").code == 0
