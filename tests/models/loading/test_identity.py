"""A model in memory is credited to its checkpoint only while its weights are the checkpoint's."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

import lvlms
import vlmscope as vs
from families import llava
from vlmscope.models import LoadedModel
from vlmscope.models.loading.sources import fingerprint
from vlmscope.models.loading.weight_samples import RUN, run_starts
from vlmscope.tiny import embedded_path
from vlmscope.types import Head, HeadSet

PICTURE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose largest matrices are only sampled: 256 x 256 and more."""
    model = llava(layers=4)
    folder = tmp_path_factory.mktemp("llava")
    config = copy.deepcopy(model.hf.config)
    config.text_config.hidden_size, config.text_config.intermediate_size = 256, 512
    torch.manual_seed(1)
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


def held(folder: Path, **options: Any) -> Any:
    """The model as a user of transformers holds it."""
    return transformers.AutoModelForImageTextToText.from_pretrained(folder, **options)


def wrapped(hf: Any) -> LoadedModel:
    return vs.from_pretrained_model(hf, llava().processor)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_an_unchanged_model_is_its_checkpoint(saved: Path, dtype: str) -> None:
    loaded = vs.load(str(saved), dtype=dtype, device="cpu")
    model = wrapped(held(saved, dtype=getattr(torch, dtype)))
    assert model.revision == loaded.revision == fingerprint(saved)
    assert model.id == loaded.id
    assert wrapped(loaded.hf).revision == loaded.revision


def test_the_embedded_model_handed_back_in_is_itself() -> None:
    for name in ("tiny-llava", "tiny-clip"):
        model = vs.load(name)
        again = vs.from_pretrained_model(model.hf, model.processor)
        assert again.revision == model.revision == fingerprint(embedded_path(name))


def decoder(hf: Any) -> Any:
    return hf.model.language_model


def merge_an_adapter(hf: Any) -> None:
    """What merge_and_unload leaves: a product of thin matrices added to one projection of a layer."""
    weight = decoder(hf).layers[2].self_attn.v_proj.weight
    weight.data += 1e-3 * torch.randn(weight.shape[0], 2) @ torch.randn(2, weight.shape[1])


def silence_a_head(hf: Any) -> None:
    attention = decoder(hf).layers[3].self_attn
    attention.o_proj.weight.data[:, : attention.head_dim] = 0


def quieten_a_key_head(hf: Any) -> None:
    attention = decoder(hf).layers[0].self_attn
    attention.k_proj.weight.data[-attention.head_dim :] *= 0.5


def edit_a_norm(hf: Any) -> None:
    decoder(hf).norm.weight.data[5] += 0.25


def drop_layers(hf: Any) -> None:
    decoder(hf).layers = decoder(hf).layers[:3]
    hf.config.text_config.num_hidden_layers = 3


def swap_layers(hf: Any) -> None:
    layers = decoder(hf).layers
    decoder(hf).layers = nn.ModuleList([layers[1], layers[0], *layers[2:]])


def repeat_a_layer(hf: Any) -> None:
    decoder(hf).layers.append(copy.deepcopy(decoder(hf).layers[3]))


def start_anew(hf: Any) -> None:
    nn.init.normal_(decoder(hf).layers[1].mlp.down_proj.weight, std=0.02)


CHANGES = [
    *(merge_an_adapter, silence_a_head, quieten_a_key_head, edit_a_norm),
    *(drop_layers, swap_layers, repeat_a_layer, start_anew),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_memory_is_in_the_revision(saved: Path, change: Callable[[Any], None]) -> None:
    def changed() -> str:
        torch.manual_seed(0)
        hf = held(saved)
        change(hf)
        return str(wrapped(hf).revision)

    base, digest = changed().split("+weights:")
    assert base == fingerprint(saved) and len(digest) == 16
    assert changed() == f"{base}+weights:{digest}", "the same weights have the same name"


def test_each_change_has_a_name_of_its_own(saved: Path) -> None:
    names = set()
    for change in CHANGES:
        torch.manual_seed(0)
        hf = held(saved)
        change(hf)
        names.add(wrapped(hf).revision)
    assert len(names) == len(CHANGES)


def test_dynamic_int8_is_not_the_checkpoint(saved: Path) -> None:
    def quantised(edit: bool) -> LoadedModel:
        hf = held(saved)
        if edit:
            merge_an_adapter(hf)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch speaks of where it moves to
            return wrapped(torch.ao.quantization.quantize_dynamic(hf, {nn.Linear}))

    model = quantised(edit=False)
    assert model.card.quantisation == "dynamic int8"
    assert str(model.revision).startswith(f"{fingerprint(saved)}+weights:")
    assert model.revision == quantised(edit=False).revision != quantised(edit=True).revision


def test_heads_of_the_checkpoint_are_not_credited_to_a_merged_model(saved: Path) -> None:
    plain = wrapped(held(saved))
    heads = HeadSet(heads=(Head(1, 1), Head(2, 0)), model=plain.id, revision=plain.revision)
    assert not vs.ground(plain, PICTURE, "a dog", heads=heads).warnings
    hf = held(saved)
    merge_an_adapter(hf)
    merged = wrapped(hf)
    warned = vs.ground(merged, PICTURE, "a dog", heads=heads).warnings
    assert any(f"made for revision {plain.revision}, the model is" in each for each in warned)
    bare = vs.ground(merged, PICTURE, "a dog", heads=[(1, 1), (2, 0)])
    assert bare.details["revision"] == merged.revision


def test_a_model_of_no_checkpoint_is_named_by_its_weights() -> None:
    one, same, other = llava(seed=0), llava(seed=0), llava(seed=1)
    assert str(one.revision).startswith("weights:")
    assert one.revision == same.revision != other.revision


def test_a_revision_that_is_handed_in_is_taken(saved: Path) -> None:
    hf = held(saved)
    merge_an_adapter(hf)
    assert vs.from_pretrained_model(hf, llava().processor, revision="v2").revision == "v2"


def test_a_commit_is_believed_where_its_files_are_here(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    commit = "1" * 40
    hf = held(saved)
    hf.config._name_or_path, hf.config._commit_hash = "somebody/model", commit
    cached = {"config.json": str(saved / "config.json")}
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda name, file, revision: cached.get(file)
    )
    assert wrapped(hf).revision == commit
    silence_a_head(hf)
    changed = str(wrapped(hf).revision)
    assert changed.startswith(f"{commit}+weights:")
    cached.clear()
    assert wrapped(hf).revision == changed


def test_files_that_are_gone_or_damaged_vouch_for_nothing(saved: Path, tmp_path: Path) -> None:
    hf = held(saved)
    folder = tmp_path / "copy"
    hf.save_pretrained(folder)
    hf = held(folder)
    assert "+weights:" not in str(wrapped(hf).revision)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "+weights:" in str(wrapped(hf).revision)
    file.unlink()
    assert str(wrapped(hf).revision).startswith("weights:")


def test_pickled_weights_are_compared_as_well(saved: Path, tmp_path: Path) -> None:
    hf = held(saved)
    hf.config.save_pretrained(tmp_path)
    torch.save(hf.state_dict(), tmp_path / "pytorch_model.bin")
    hf.config._name_or_path = str(tmp_path)
    assert wrapped(hf).revision == fingerprint(tmp_path)
    edit_a_norm(hf)
    assert "+weights:" in str(wrapped(hf).revision)


@pytest.mark.parametrize(
    "name",
    [name for name, build in lvlms.builds().items() if name.count("-") < 2 and not build.reordered],
)
def test_every_family_is_told_as_it_was_loaded(name: str, tmp_path: Path) -> None:
    model = lvlms.made(name)
    model.hf.save_pretrained(tmp_path)
    kind = getattr(transformers, model.family.auto_class)
    again = vs.from_pretrained_model(kind.from_pretrained(tmp_path), model.processor)
    if lvlms.builds()[name].fused:  # on the safe side: taken for changed
        assert again.revision.startswith(f"{fingerprint(tmp_path)}+weights:")
        return
    assert again.revision == fingerprint(tmp_path)
    first = next(iter(model.family.layers(again.hf).parameters()))
    first.data[:] = first.data.flip(0) + 1
    assert "+weights:" in str(vs.from_pretrained_model(again.hf, model.processor).revision)


@pytest.mark.parametrize("part", ["q_proj", "k_proj", "v_proj"])
def test_a_change_of_a_part_that_is_stored_fused_is_told(part: str, tmp_path: Path) -> None:
    model = lvlms.made("qianfan-ocr")
    model.hf.save_pretrained(tmp_path)
    again = transformers.AutoModelForImageTextToText.from_pretrained(tmp_path)
    attention = again.model.vision_tower.layers[1].attention
    assert "+weights:" not in str(vs.from_pretrained_model(again, model.processor).revision)
    getattr(attention, part).weight.data[0, 0] += 1
    assert "+weights:" in str(vs.from_pretrained_model(again, model.processor).revision)


def test_runs_are_spread_over_rows_and_columns() -> None:
    assert run_starts(64 * RUN) == (0,)
    rows, columns = 4096, 4096
    starts = np.array(run_starts(rows * columns))
    assert (np.diff(starts) > RUN).all() and starts[-1] + RUN <= rows * columns
    covered = (starts[:, None] + np.arange(RUN)).reshape(-1)
    # each of 32 heads is met, whether it holds rows of the matrix or columns
    assert len(np.unique(covered // columns // (rows // 32))) == 32
    assert np.bincount(covered % columns // (columns // 32)).min() > 2 * 128
