"""Pictures in memory: what is taken, what leaves."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app_pictures import encoded
from vlmscope.app.engine.pictures import PictureStore
from vlmscope.app.refusal import Refusal
from vlmscope.app.settings import Limits
from vlmscope.errors import BadImageError


def flat(colour: int, size: tuple[int, int] = (40, 30), kind: str = "png") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (colour, colour, colour)).save(stream, kind)
    return stream.getvalue()


def test_the_same_pixels_have_the_same_id_and_are_kept_once() -> None:
    store = PictureStore(Limits(pictures=2))
    first, other = store.add(encoded(0)), store.add(encoded(1))
    again = store.add(encoded(0, "bmp"))
    assert again.id == first.id != other.id
    assert store.get(other.id) is other
    assert Image.open(io.BytesIO(first.shown.data)).format == "JPEG"


def test_turned_pixels_are_another_picture() -> None:
    store = PictureStore(Limits())
    assert store.add(flat(9, (40, 30))).id != store.add(flat(9, (30, 40))).id


def test_the_least_recently_used_leaves_first() -> None:
    store = PictureStore(Limits(pictures=2))
    one, two = store.add(flat(1)), store.add(flat(2))
    store.get(one.id)
    store.add(flat(3))
    assert store.get(one.id) is one
    with pytest.raises(Refusal, match="Send it again") as caught:
        store.get(two.id)
    assert caught.value.status == 404


def test_pictures_leave_by_their_bytes_but_never_the_newest() -> None:
    store = PictureStore(Limits(picture_bytes=100))
    one, two = store.add(flat(1)), store.add(flat(2))
    with pytest.raises(Refusal):
        store.get(one.id)
    assert store.get(two.id) is two


def test_what_is_shown_is_no_larger_than_a_page() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 4000, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    picture = PictureStore(Limits()).add(stream.getvalue())
    assert Image.open(io.BytesIO(picture.shown.data)).size == (1600, 36)
    assert picture.opened.size == (90, 4000)


@pytest.mark.parametrize("data", [b"", b"no picture", encoded()[:900], flat(1, kind="gif")[:20]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadImageError):
        PictureStore(Limits()).add(data)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(BadImageError, match="too large"):
        PictureStore(Limits(pixels=1_000)).add(flat(1))
