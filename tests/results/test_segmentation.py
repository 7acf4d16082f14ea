"""Pictures of segmentations: the right colours at the right pixels, and a legend that fits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from segmentations import blobs, segmentation
from vlmscope.errors import BadOptionError
from vlmscope.export.indexed import index_image
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


@pytest.mark.parametrize("size", [(40, 320), (320, 200), (900, 60), (30, 1000), (700, 24)])
@pytest.mark.parametrize(
    "name", ["the one that says " * 9 + "end", "W" * 300, "i" * 33, "猫" * 90, "a b"]
)
def test_the_legend_stays_within_the_picture(size: tuple[int, int], name: str) -> None:
    labels = np.zeros(size, dtype=int)
    labels[size[0] // 2 :] = 1
    labels[-1] = -1
    found = segmentation(labels, (name, f"{name} too"))
    bare, whole = overlay_labels(found, legend=False), overlay_labels(found)
    assert whole.width == bare.width
    beneath = np.asarray(whole)[bare.height :]
    assert (beneath[:, -2:] == 255).all()  # letters cut off by the border would stain it
    assert (beneath[-2:] == 255).all()


def test_a_name_that_is_shortened_keeps_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmscope.results import segmentation as labels

    written: list[str] = []
    monkeypatch.setattr(labels, "draw_lines", lambda pen, at, lines, *rest: written.extend(lines))
    array = np.zeros((400, 400), dtype=int)
    array[100:] = 1
    overlay_labels(segmentation(array, ("cat", "a name that nobody would read to its end " * 3)))
    assert written[0].startswith("a name that")
    assert written[0].endswith("… 75%")
    assert written[1] == "cat 25%"


def test_colours_are_those_that_names_speak_of_in_picture_legend_and_palette() -> None:
    labels = np.zeros((400, 600), dtype=int)
    labels[:, 300:] = 1
    found = segmentation(labels, ("dog", "red circle"))
    red = class_colours(found.names)[1]
    assert (red > (200, 0, 0)).all() and red[1:].max() < 60
    picture = np.asarray(overlay_labels(found, alpha=1.0))
    np.testing.assert_array_equal(picture[100, 500], red)
    legend = {tuple(each) for each in picture[400:].reshape(-1, 3).tolist()}
    assert tuple(red.tolist()) in legend
    palette = index_image(found).picture.getpalette()
    assert palette is not None
    assert palette[3:6] == red.tolist()


def test_the_photograph_stays_visible_under_the_tint() -> None:
    stripes = np.zeros((400, 400, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    found = segmentation(np.zeros((400, 400), dtype=int), ("dog",), image=stripes)
    shown = np.asarray(found.overlay(legend=False)).astype(int)
    contrast = np.abs(shown[200, 10] - shown[200, 11])
    assert (contrast >= 0.5 * 255).all()  # more of the picture than of the colour
    strong = np.asarray(found.overlay(legend=False, alpha=0.9)).astype(int)
    assert (np.abs(strong[200, 10] - strong[200, 11]) < 30).all()


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
