"""Weights: the header of a safetensors file changed, the file cut, an index that leads elsewhere."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.checkpoints import calls_of, linked
from tools.fuzz.kinds.pictures import scene
from tools.fuzz.mutate import broken, changed, spelled

__all__ = ["weights"]

_LENGTH = 8
_WEIGHTS = "model/model.safetensors"


@cache
def _parts() -> tuple[bytes, bytes]:
    """Header and values of the smaller embedded model."""
    from vlmscope.tiny import embedded_path

    data = (embedded_path("tiny-clip") / "model.safetensors").read_bytes()
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    return data[_LENGTH:end], data[end:]


@st.composite
def _files(draw: st.DrawFn) -> dict[str, bytes]:
    header, values = _parts()
    way = draw(
        st.sampled_from(("header", "header", "bytes", "length", "cut", "other", "index", "bin"))
    )
    if way == "header":
        header = draw(spelled(draw(changed(json.loads(header), 1, 2))))
    if way == "bytes":
        header = draw(broken(header))
    length = len(header).to_bytes(_LENGTH, "little")
    if way == "length":
        length = draw(st.binary(min_size=0, max_size=_LENGTH))
    whole = length + header + values
    if way == "cut":
        whole = whole[: draw(st.integers(0, len(whole)))]
    if way == "other":
        whole = draw(broken(b""))
    if way == "bin":
        return {"model/pytorch_model.bin": draw(broken(b"PK\x03\x04" + values[:200]))}
    if way == "index":
        sound = {"metadata": {}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
        index = draw(spelled(draw(changed(sound))))
        return {f"{_WEIGHTS}.index.json": index, "model/one.safetensors": whole}
    return {_WEIGHTS: whole}


@st.composite
def weights(draw: st.DrawFn) -> Input:
    """A checkpoint whose weights are not what they were."""
    files = linked("tiny-clip")
    del files[_WEIGHTS]
    call = draw(st.sampled_from(calls_of("tiny-clip")))
    return Input(call, {**files, **draw(_files()), "a.png": scene()})
