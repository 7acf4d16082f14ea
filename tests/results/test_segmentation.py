"""Pictures of segmentations: the right colours at the right pixels, and a legend that fits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segmentations import blobs, segmentation
from vlmscope.errors import BadOptionError
from vlmscope.results import overlay_labels
from vlmscope.viz import class_colours


def test_colours_are_distinct_and_stay_with_their_class() -> None:
    few, many = class_colours(12), class_colours(256)
    np.testing.assert_array_equal(few, many[:12])
    assert len(np.unique(many, axis=0)) == 256
    distance = np.abs(few[:, None].astype(int) - few[None]).sum(axis=-1)
    assert distance[~np.eye(12, dtype=bool)].min() > 60
    np.testing.assert_array_equal(class_colours(300)[256:], many[:44])


def test_inside_a_class_the_picture_wears_its_colour() -> None:
    labels = np.zeros((400, 600), dtype=int)
    labels[:, 300:] = 1
    labels[300:] = -1
    found = segmentation(labels, ("dog", "cat"))
    picture = np.asarray(overlay_labels(found, alpha=0.5, legend=False)).astype(int)
    assert picture.shape == (400, 600, 3)
    for column, index in ((100, 0), (500, 1)):
        expected = (120 + class_colours(2)[index].astype(int)) / 2
        np.testing.assert_allclose(picture[100, column], expected, atol=1)
    background = picture[350, 300]
    assert np.ptp(background) == 0
    assert background[0] < 120
    border = picture[100, 299]
    assert border.min() > picture[100, 100].min()  # a light line between the two


def test_the_picture_keeps_its_proportions_and_limits() -> None:
    assert overlay_labels(segmentation(blobs(3)), legend=False).size == (480, 320)
    large = segmentation(blobs(3, (90, 200)))
    assert overlay_labels(large, legend=False, max_side=100).size == (100, 45)
    tiny = segmentation([[0, 1]])
    assert overlay_labels(tiny, legend=False).size == (640, 320)


def test_the_legend_lies_beneath_and_grows_with_the_classes() -> None:
    few = segmentation(blobs(2, (200, 300)), ("dog", "cat"))
    many = segmentation(blobs(12, (200, 300)), tuple(f"a rather long name {i}" for i in range(12)))
    bare = overlay_labels(few, legend=False)
    with_few, with_many = overlay_labels(few), overlay_labels(many)
    assert with_few.width == bare.width
    assert bare.height < with_few.height < with_many.height
    np.testing.assert_array_equal(np.asarray(with_few)[: bare.height], np.asarray(bare))
    swatches = {tuple(each) for each in np.asarray(with_few)[bare.height :].reshape(-1, 3).tolist()}
    assert {tuple(each) for each in class_colours(2).tolist()} <= swatches


def test_a_long_legend_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmscope.results import segmentation as labels

    written: list[str] = []
    real = labels.draw_lines

    def seen(draw, place, lines, face, fill) -> None:  # type: ignore[no-untyped-def]
        written.extend(lines)
        real(draw, place, lines, face, fill)

    monkeypatch.setattr(labels, "draw_lines", seen)
    array = np.repeat(np.arange(40), 40).reshape(40, 40)
    array[-1] = -1
    overlay_labels(segmentation(array), most=5)
    assert len(written) == 5 + 2
    assert written[-2:] == ["and 34 more", "background 2%"]
    assert "3%" in written[0] or "2%" in written[0]


@pytest.mark.parametrize("name", ["x" * 500, "猫" * 40, "a\nb\x00c", ""])
def test_names_of_any_kind_fit(name: str) -> None:
    found = segmentation(blobs(2, (40, 40)), (name, "dog"))
    picture = overlay_labels(found)
    assert isinstance(picture, Image.Image)
    assert picture.width == 320


def test_an_image_without_any_class() -> None:
    picture = overlay_labels(segmentation(np.full((20, 20), -1), ("dog",)))
    assert picture.width == 320


@pytest.mark.parametrize("bad", [{"alpha": 1.5}, {"most": 0}, {"max_side": 0}, {"min_side": 0}])
def test_bad_options_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadOptionError, match="alpha must lie between 0 and 1"):
        overlay_labels(segmentation(blobs(2)), **bad)


def test_segmentations_draw_themselves() -> None:
    found = segmentation(blobs(2))
    np.testing.assert_array_equal(
        np.asarray(found.overlay(alpha=0.3)), np.asarray(overlay_labels(found, alpha=0.3))
    )
