"""A view keeps what it holds, in bytes and in a page, and says in a sentence why it cannot be read."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vlmscope.errors import BadOptionError, BadViewError, OutputError
from vlmscope.viewer import Bundle, Picture, View
from vlmscope.viewer.compressed import LOADER
from vlmscope.viewer.page import read_page

STAND_IN = Bundle("export {}", "main{display:block}")
JPEG = Picture(b"\xff\xd8 not really")
ARRAYS = {
    "half": np.linspace(0, 1, 5, dtype=np.float16),
    "single": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bytes": np.array([[1, 2, 3]], dtype=np.uint8),
    "whole": np.array([-1, 2**31 - 1], dtype=np.int32),
    "none": np.zeros((0, 4), dtype=np.float32),
}
NASTY = "</script><script>alert(1)</script><!-- \u2028 & \u202e שלום"


def sample() -> View:
    blocks = [
        {"type": "text", "text": NASTY},
        {"type": "scene", "image": JPEG, "deep": [{"arrays": ARRAYS}, None, True, 1.5]},
    ]
    return View(f"a title {NASTY}", "a lead", blocks)


def check_same(one: View, other: View) -> None:
    assert (one.title, one.lead) == (other.title, other.lead)
    assert one.blocks[0] == other.blocks[0]
    scene = other.blocks[1]
    assert scene["image"] == JPEG
    held = scene["deep"][0]["arrays"]
    assert scene["deep"][1:] == [None, True, 1.5]
    for name, array in ARRAYS.items():
        assert held[name].dtype == array.dtype
        np.testing.assert_array_equal(held[name], array)


def test_bytes_give_the_view_back() -> None:
    check_same(sample(), View.unpack(sample().pack()))


def test_a_page_gives_the_view_back_and_holds_one_script(tmp_path: Path) -> None:
    text = sample().html(STAND_IN)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    check_same(sample(), View.read(tmp_path / "page.html"))
    assert text.count("<script") == text.count("</script>") == 3
    assert "alert(1)</script>" not in text and "<!--" not in text


def test_the_layout_is_what_other_readers_expect() -> None:
    data = sample().pack()
    magic, version, length = struct.unpack_from("<8sII", data)
    assert (magic, version) == (b"VLMSVIEW", 1)
    document = json.loads(data[16 : 16 + length])
    assert (16 + length) % 8 == 0 and document["format"] == "vlmscope-view"
    single = document["arrays"][document["blocks"][1]["deep"][0]["arrays"]["single"]["$array"]]
    assert (single["dtype"], single["shape"], single["bytes"]) == ("float32", [2, 3], 24)
    start = 16 + length + single["offset"]
    assert single["offset"] % 8 == 0
    assert data[start : start + 24] == np.arange(6, dtype="<f4").tobytes()


def test_an_array_is_kept_once_and_big_endian_is_turned() -> None:
    big = np.arange(3, dtype=">f4")
    view = View("t", "", [{"type": "a", "x": big, "y": big.astype("<f4"), "z": big[::-1][::-1]}])
    data = view.pack()
    _, _, length = struct.unpack_from("<8sII", data)
    assert len(json.loads(data[16 : 16 + length])["arrays"]) == 1
    np.testing.assert_array_equal(View.unpack(data).blocks[0]["x"], [0, 1, 2])


def test_only_hashed_script_and_style_run() -> None:
    text = View("t", "l").html(STAND_IN)
    policy = text.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    # printf 'export {}' | openssl dgst -sha256 -binary | base64
    assert "script-src 'sha256-" in policy and "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for source in ("export {}", "main{display:block}"):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_a_frame_holds_the_page_and_the_card() -> None:
    text = sample().inline("<div>the card</div>", STAND_IN)
    assert text.count("<iframe") == 1 and "<div>the card</div>" in text
    assert "<script" not in text, "the page is an attribute's value"
    assert 'sandbox="allow-scripts' in text and "allow-same-origin" not in text


def test_the_bundle_of_a_frame_is_compressed_and_its_policy_names_what_comes_out() -> None:
    page = html.unescape(sample().inline("", STAND_IN))
    packed = re.findall(r'<script type="application/gzip" data-element="(\w+)">([^<]*)<', page)
    parts = {kind: gzip.decompress(base64.b64decode(text)).decode() for kind, text in packed}
    assert parts == {"style": STAND_IN.style, "script": STAND_IN.script}
    assert [kind for kind, _ in packed] == ["style", "script"], "nothing is drawn without its style"
    assert "unsafe" not in page and "strict-dynamic" not in page
    for source in (*parts.values(), LOADER):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page
    assert sample().inline("", STAND_IN) == sample().inline("", STAND_IN)


@pytest.mark.parametrize("name", ["a.view", "b.HTML"])
def test_files_are_written_by_their_end(tmp_path: Path, name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("vlmscope.viewer.view.shipped", lambda: STAND_IN)
    sample().write(tmp_path / name)
    check_same(sample(), View.read(tmp_path / name))


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOptionError, match=r"\.htm or \.view"):
        sample().write(tmp_path / "a.png")
    with pytest.raises(OutputError):
        (tmp_path / "file").write_text("x")
        sample().write(tmp_path / "file" / "a.view")


def packed(**changes: Any) -> bytes:
    """The bytes of a sound view of one array, with other values in its document."""
    entry = {"dtype": "float32", "shape": [2], "offset": 0, "bytes": 8}
    document = {
        "format": "vlmscope-view",
        "version": 1,
        "title": "t",
        "lead": "l",
        "blocks": [{"type": "a", "x": {"$array": 0}}],
        "arrays": [entry],
    }
    entry.update({key: value for key, value in changes.items() if key in entry})
    document.update({key: value for key, value in changes.items() if key in document})
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<8sII", b"VLMSVIEW", 1, len(text)) + text + bytes(8)


def test_the_sound_one_is_sound() -> None:
    np.testing.assert_array_equal(View.unpack(packed()).blocks[0]["x"], [0, 0])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "This is no view"),
        (b"PK\x03\x04 a zip", "This is no view"),
        (b"VLMSVIEW\x01", "cut short"),
        (packed()[:40], "cut short"),
        (packed()[:-8], "cut short"),
        (b"VLMSVIEW\x02" + packed()[9:], "version 2"),
        (packed(version=7), "version 7"),
        (packed(version="1"), "version '1'"),
        (packed(format="other"), "no view"),
        (packed(title=3), "title is no text"),
        (packed(arrays=None), "list of arrays"),
        (packed(arrays=[3]), "array 0 lacks"),
        (packed(blocks=[1]), "no list of objects"),
        (packed(blocks=[{"x": {"$array": 1}}]), "array 1 and holds 1"),
        (packed(blocks=[{"x": {"$array": True}}]), "array True"),
        (packed(blocks=[{"x": {"$array": -1}}]), "array -1"),
        (packed(dtype="float64"), "unknown type 'float64'"),
        (packed(shape=[3]), "cannot have 8 bytes"),
        (packed(shape=[-2]), "array 0 lacks"),
        (packed(shape=[2**50, 2**50]), "cannot have 8 bytes"),
        (packed(shape=[2**70, 0], bytes=0), "array 0 lacks"),
        (packed(shape=[2**53, 2**53, 0], bytes=0), "cannot have 0 bytes"),
        (packed(offset=4), "should lie at"),
        (packed(offset=8), "cut short"),
        (packed(bytes=10**12), "cut short"),
        (packed().replace(b'"title"', b'"titel"'), "title is no text"),
        (packed().replace(b'"lead": "l"', b'"title": ""'), "occurs twice"),
        (packed().replace(b'"t"', b'"\xff"'), "damaged"),
    ],
)
def test_bytes_that_are_no_sound_view_are_said(data: bytes, words: str) -> None:
    with pytest.raises(BadViewError, match=words) as caught:
        View.unpack(data)
    assert len(str(caught.value)) < 400


def test_a_file_that_is_no_view_is_named(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    with pytest.raises(BadViewError, match="There is no view"):
        View.read(place)
    place.write_text("<!doctype html><p>another page", encoding="utf-8")
    with pytest.raises(BadViewError, match=r"page\.html: This page holds no view"):
        View.read(place)
    whole = sample().html(STAND_IN)
    place.write_text(whole[: whole.index("vlmscope-arrays") + 30], encoding="utf-8")
    with pytest.raises(BadViewError, match="cut short"):
        View.read(place)
    place.write_text(whole.replace('"vlmscope-arrays">', '"vlmscope-arrays">?'), encoding="utf-8")
    with pytest.raises(BadViewError, match="damaged"):
        View.read(place)
    place.write_bytes(b"<\xff\xfe")
    with pytest.raises(BadViewError, match="UTF-8"):
        View.read(place)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(2), "float64"),
        (np.array(["a"]), "str"),
        (float("nan"), "None for what is missing"),
        ({1: 2}, "keys of a block"),
        ({"a": object()}, "of type object"),
    ],
)
def test_what_no_view_can_hold_is_said(value: Any, words: str) -> None:
    with pytest.raises(BadOptionError, match=words):
        View("t", "", [{"type": "a", "x": value}]).pack()


def test_half_a_character_is_replaced() -> None:
    assert View.unpack(View("a\ud800b", "", []).pack()).title == "a?b"


def test_a_script_that_ends_its_element_is_refused() -> None:
    from vlmscope.errors import UnsupportedError

    for script, style in (("x = '</SCRIPT>'", ""), ("// <!-- ", ""), ("", "</style>")):
        with pytest.raises(UnsupportedError, match="Build the viewer again"):
            Bundle(script, style)


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(BadOptionError, match="image/gif"):
        Picture(b"", "image/gif")


@pytest.mark.parametrize("carrier", ["bytes", "page"])
def test_damage_of_any_kind_is_said_in_a_sentence(carrier: str) -> None:
    rng = np.random.default_rng(0)
    whole = sample().pack() if carrier == "bytes" else sample().html(STAND_IN).encode()
    read = 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 6))):
            start = int(rng.integers(len(data)))
            spoilt = rng.bytes(int(rng.integers(0, 4)))
            data[start : start + int(rng.integers(0, 4))] = spoilt
        try:
            if carrier == "bytes":
                View.unpack(bytes(data))
            else:
                View._of(*read_page(data.decode("utf-8", "replace")))
            read += 1
        except BadViewError as error:
            assert 0 < len(str(error)) < 1300
    assert read < 400, "nothing was ever refused"
