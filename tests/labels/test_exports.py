"""Labels in other tools' formats: what those tools read is what was labelled."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import tracemalloc
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from label_folders import (
    ManyLabels,
    failure,
    row,
    run_lengths,
    thing,
    write_folder,
    write_pictures,
)
from vlmscope.errors import BadImageError, OutputError, UnknownNameError
from vlmscope.export.formats import LABEL_FORMATS
from vlmscope.labels import LabelFolder
from vlmscope.labels.exports import export_labels
from vlmscope.labels.sources import Columns, open_source

pytest.importorskip("pyarrow")

MASK = np.zeros((80, 100), dtype=bool)
MASK[20:60, 10:30] = True
MASK[30:40, 15:20] = False


@pytest.fixture
def labels(tmp_path: Path) -> LabelFolder:
    """Three images with objects of two phrases, one failed."""
    first = [
        thing("a.jpg", "dog", 0.9, box=[10.4, 20.0, 50.0, 60.6], presence=0.7, point=[12.0, 30.0]),
        thing("a.jpg", "dog", 0.2, instance=1),
        row("a.jpg", "cat"),
        row("sub/b.png", "dog"),
    ]
    second = [
        failure("broken.jpg"),
        thing("c.jpg", "cat", 0.6, box=[0.0, 0.0, 100.0, 80.0], warnings=["two", "words"]),
    ]
    return write_folder(tmp_path / "labels", first, second)


@pytest.fixture
def masked(tmp_path: Path) -> LabelFolder:
    rows = [thing("a.jpg", mask=run_lengths(MASK)), thing("b.jpg", box=[1.0, 2.0, 3.0, 4.0])]
    return write_folder(tmp_path / "labels", rows)


# coco


def test_a_coco_file_opens_in_pycocotools(
    tmp_path: Path, labels: LabelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = pytest.importorskip("pycocotools.coco")
    done = export_labels(labels, tmp_path / "o.json", "coco")
    assert (done.images, done.objects, done.failed, done.phrases) == (3, 3, 1, 2)
    coco = tools.COCO(str(tmp_path / "o.json"))
    capsys.readouterr()
    assert [each["name"] for each in coco.loadCats(coco.getCatIds())] == ["cat", "dog"]
    names = [each["file_name"] for each in coco.loadImgs(coco.getImgIds())]
    assert names == ["a.jpg", "sub/b.png", "c.jpg"]
    best = coco.loadAnns(coco.getAnnIds(imgIds=[1], catIds=[2]))[0]
    assert best["bbox"] == [10.4, 20.0, 50.0 - 10.4, 60.6 - 20.0]
    assert best["score"] == 0.9
    assert [each["id"] for each in coco.dataset["annotations"]] == [1, 2, 3]


def test_masks_of_a_coco_file_are_drawn_by_pycocotools(
    tmp_path: Path, masked: LabelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = pytest.importorskip("pycocotools.coco")
    export_labels(masked, tmp_path / "o.json", "coco")
    coco = tools.COCO(str(tmp_path / "o.json"))
    capsys.readouterr()
    first, second = coco.loadAnns(coco.getAnnIds())
    np.testing.assert_array_equal(coco.annToMask(first).astype(bool), MASK)
    assert first["area"] == MASK.sum()
    assert (second["segmentation"], second["area"]) == ([], 4.0)


def test_a_coco_file_opens_in_supervision(tmp_path: Path, labels: LabelFolder) -> None:
    supervision = pytest.importorskip("supervision")
    pictures = write_pictures(tmp_path / "pictures", "a.jpg", "sub/b.png", "c.jpg")
    export_labels(labels, tmp_path / "o.json", "coco", least_score=0.5)
    data = supervision.DetectionDataset.from_coco(str(pictures), str(tmp_path / "o.json"))
    assert data.classes == ["cat", "dog"]
    boxes = {Path(path).name: each.xyxy.tolist() for path, _, each in data}
    assert boxes["a.jpg"] == [pytest.approx([10.4, 20.0, 50.0, 60.6], abs=1e-4)]
    assert boxes["b.png"] == []


# yolo


def test_yolo_boxes_open_in_supervision(tmp_path: Path, labels: LabelFolder) -> None:
    supervision = pytest.importorskip("supervision")
    pictures = write_pictures(tmp_path / "pictures", "a.jpg", "c.jpg")
    out = tmp_path / "yolo"
    export_labels(labels, out, "yolo")
    assert (out / "labels/sub/b.txt").read_text() == ""
    data = supervision.DetectionDataset.from_yolo(
        str(pictures), str(out / "labels"), str(out / "data.yaml")
    )
    assert data.classes == ["cat", "dog"]
    found = {Path(path).name: each for path, _, each in data}
    assert found["a.jpg"].class_id.tolist() == [1, 1]
    np.testing.assert_allclose(found["a.jpg"].xyxy[0], [10.4, 20.0, 50.0, 60.6], atol=0.01)


def test_yolo_has_polygons_where_there_are_masks(tmp_path: Path, masked: LabelFolder) -> None:
    export_labels(masked, tmp_path / "yolo", "yolo")
    (line,) = (tmp_path / "yolo/labels/a.txt").read_text().splitlines()
    points = np.array(line.split()[1:], dtype=float).reshape(-1, 2) * [100, 80]
    assert (points.min(0).tolist(), points.max(0).tolist()) == ([10, 20], [30, 60])
    (line,) = (tmp_path / "yolo/labels/b.txt").read_text().splitlines()  # not a box among polygons
    assert line == "0 0.01 0.025 0.03 0.025 0.03 0.05 0.01 0.05"


def test_a_box_beyond_the_edge_is_cut_off_for_yolo(tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a.jpg", box=[-5.0, 0.0, 110.0, 80.0])])
    export_labels(labels, tmp_path / "yolo", "yolo")
    assert (tmp_path / "yolo/labels/a.txt").read_text() == "0 0.5 0.5 1 1\n"


# voc

_OBJECT = ["name", "pose", "truncated", "difficult", "bndbox"]
_ROOT = ["folder", "filename", "source", "size", "segmented"]


def test_voc_files_have_the_elements_of_vocs_own(tmp_path: Path, labels: LabelFolder) -> None:
    export_labels(labels, tmp_path / "voc", "voc")
    root = ElementTree.parse(tmp_path / "voc/Annotations/a.xml").getroot()
    assert root.tag == "annotation"
    assert [each.tag for each in root] == [*_ROOT, "object", "object"]
    assert [(each.tag, each.text) for each in root.find("size")] == [
        ("width", "100"),
        ("height", "80"),
        ("depth", "3"),
    ]
    for thing_ in root.findall("object"):
        assert [each.tag for each in thing_] == _OBJECT
    corners = root.find("object/bndbox")
    pixels = {each.tag: int(each.text) for each in corners}
    # pixels 10 to 49 and 20 to 60, counted from 1
    assert pixels == {"xmin": 11, "ymin": 21, "xmax": 50, "ymax": 61}
    assert list(pixels) == ["xmin", "ymin", "xmax", "ymax"]
    nested = ElementTree.parse(tmp_path / "voc/Annotations/sub/b.xml").getroot()
    assert (nested.find("folder").text, nested.find("filename").text) == ("sub", "b.png")


def test_voc_files_open_in_supervision(tmp_path: Path, labels: LabelFolder) -> None:
    supervision = pytest.importorskip("supervision")
    pictures = write_pictures(tmp_path / "pictures", "a.jpg", "c.jpg")
    export_labels(labels, tmp_path / "voc", "voc")
    data = supervision.DetectionDataset.from_pascal_voc(
        str(pictures), str(tmp_path / "voc/Annotations")
    )
    found = {Path(path).name: each.xyxy.tolist() for path, _, each in data}
    assert found["c.jpg"] == [[0, 0, 100, 80]]
    assert found["a.jpg"][0] == [10, 20, 50, 61]


def test_what_xml_cannot_hold_does_not_break_a_voc_file(tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a&<b.jpg", "cat \x07 & <dog>")])
    export_labels(labels, tmp_path / "voc", "voc")
    (path,) = (tmp_path / "voc/Annotations").rglob("*.xml")
    root = ElementTree.parse(path).getroot()
    assert root.find("object/name").text == "cat \ufffd & <dog>"
    assert root.find("filename").text == "a&<b.jpg"


# csv


def test_a_table_reads_back(tmp_path: Path, labels: LabelFolder) -> None:
    export_labels(labels, tmp_path / "o.csv", "csv")
    with (tmp_path / "o.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(each["id"], each["phrase"]) for each in rows] == [
        ("a.jpg", "dog"),
        ("a.jpg", "dog"),
        ("c.jpg", "cat"),
    ]
    assert [float(rows[0][key]) for key in ("x0", "y0", "x1", "y1")] == [10.4, 20.0, 50.0, 60.6]
    assert (rows[0]["x"], rows[1]["x"], rows[2]["warnings"]) == ("12.0", "", "two; words")


# label studio


def test_label_studio_tasks_are_as_its_documentation_says(
    tmp_path: Path, labels: LabelFolder
) -> None:
    export_labels(labels, tmp_path / "ls", "label-studio", prefix="http://here/")
    tasks = json.loads((tmp_path / "ls/tasks-00001.json").read_text("utf-8"))
    assert [task["data"]["image"] for task in tasks][1] == "http://here/sub/b.png"
    (prediction,) = tasks[0]["predictions"]
    assert prediction["model_version"] == "tiny-clip"
    assert prediction["score"] == pytest.approx(0.55)
    first = prediction["result"][0]
    assert first["type"] == "rectanglelabels"
    assert (first["original_width"], first["original_height"]) == (100, 80)
    value = first["value"]
    sides = [value[key] for key in ("x", "y", "width", "height")]
    assert sides == pytest.approx([10.4, 25.0, 39.6, 50.75])
    assert (value["rotation"], value["rectanglelabels"]) == (0, ["dog"])
    ids = [region["id"] for task in tasks for region in task["predictions"][0]["result"]]
    assert len(set(ids)) == len(ids) == 3
    config = ElementTree.parse(tmp_path / "ls/config.xml").getroot()
    tags = {each.get("name"): each.tag for each in config}
    assert tags[first["from_name"]] == "RectangleLabels"
    assert tags[first["to_name"]] == "Image"
    assert [each.get("value") for each in config.iter("Label")] == ["cat", "dog"]
    assert "score" not in tasks[1]["predictions"][0]


def test_label_studio_gets_masks_as_polygons(tmp_path: Path, masked: LabelFolder) -> None:
    export_labels(masked, tmp_path / "ls", "label-studio")
    first, second = json.loads((tmp_path / "ls/tasks-00001.json").read_text("utf-8"))
    (region,) = first["predictions"][0]["result"]
    assert (region["type"], region["value"]["polygonlabels"]) == ("polygonlabels", ["cat"])
    points = np.array(region["value"]["points"])
    assert (points.min(0).tolist(), points.max(0).tolist()) == ([10, 25], [30, 75])
    assert second["predictions"][0]["result"][0]["type"] == "rectanglelabels"
    config = (tmp_path / "ls/config.xml").read_text()
    assert '<PolygonLabels name="polygon" toName="image">' in config


def test_label_studio_tasks_are_shared_out_over_files(
    tmp_path: Path, labels: LabelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmscope.export.formats.label_studio._TASKS", 2)
    export_labels(labels, tmp_path / "ls", "label-studio")
    files = sorted(path.name for path in (tmp_path / "ls").glob("*.json"))
    assert files == ["export.json", "tasks-00001.json", "tasks-00002.json"]
    (last,) = json.loads((tmp_path / "ls/tasks-00002.json").read_text())
    assert last["data"]["id"] == "c.jpg"


# fiftyone


def test_fiftyone_labels_are_as_its_documentation_says(tmp_path: Path, labels: LabelFolder) -> None:
    export_labels(labels, tmp_path / "labels.json", "fiftyone")
    written = json.loads((tmp_path / "labels.json").read_text())
    assert written["classes"] == ["cat", "dog"]
    assert set(written["labels"]) == {"a", "sub/b", "c"}
    assert written["labels"]["sub/b"] == []
    first = written["labels"]["a"][0]
    assert written["classes"][first["label"]] == "dog"
    assert first["bounding_box"] == pytest.approx([0.104, 0.25, 0.396, 0.5075])
    assert first["confidence"] == 0.9
    assert written["labels"]["c"][0]["attributes"] == {"instance": 0, "warnings": "two; words"}


# webdataset


def _samples(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as shard:
        return {each.name: shard.extractfile(each).read() for each in shard}


def test_shards_hold_pictures_and_labels(tmp_path: Path, labels: LabelFolder) -> None:
    pictures = write_pictures(tmp_path / "pictures", "a.jpg", "sub/b.png")
    turned = Image.new("RGB", (80, 100), (9, 9, 9))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(pictures / "c.jpg", exif=exif)

    def read(name: str) -> bytes:
        return (pictures / name).read_bytes()

    export_labels(labels, tmp_path / "first", "webdataset", source=read)
    export_labels(labels, tmp_path / "second", "webdataset", source=read)
    shard = tmp_path / "first/labels-000000.tar"
    assert shard.read_bytes() == (tmp_path / "second/labels-000000.tar").read_bytes()
    samples = _samples(shard)
    endings = ["0.jpg", "0.json", "1.png", "1.json", "2.png", "2.json"]
    assert [name.removeprefix("00000000") for name in samples] == endings
    assert samples["000000000.jpg"] == read("a.jpg")  # as it is
    upright = Image.open(io.BytesIO(samples["000000002.png"]))
    assert (upright.size, upright.getexif().get(0x0112)) == ((100, 80), None)
    source = open_source(str(shard), Columns(id="id"))  # shards can be labelled in turn
    assert [item.id for item in source.items()] == ["a.jpg", "sub/b.png", "c.jpg"]
    first = json.loads(samples["000000000.json"])
    assert (first["id"], first["objects"][0]["box"]) == ("a.jpg", [10.4, 20.0, 50.0, 60.6])


def test_a_picture_that_is_gone_is_left_out_and_counted(
    tmp_path: Path, labels: LabelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmscope.export.formats.webdataset._SAMPLES", 1)
    pictures = write_pictures(tmp_path / "pictures", "a.jpg", "c.jpg")

    def read(name: str) -> bytes:
        if name == "sub/b.png":
            raise BadImageError("There is no image file 'sub/b.png'.")
        return (pictures / name).read_bytes()

    done = export_labels(labels, tmp_path / "o", "webdataset", source=read)
    assert (done.images, done.unread_images) == (2, 1)
    assert done.unread == (("sub/b.png", "There is no image file 'sub/b.png'."),)
    assert [path.name for path in sorted((tmp_path / "o").glob("*.tar"))] == [
        "labels-000000.tar",
        "labels-000001.tar",
    ]


def test_pictures_come_from_where_they_were(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", "sub/a.jpg")
    identity = {"kind": "folder", "place": str(pictures)}
    labels = write_folder(tmp_path / "labels", [thing("sub/a.jpg")], kept={"source": identity})
    export_labels(labels, tmp_path / "o", "webdataset")
    samples = _samples(tmp_path / "o/labels-000000.tar")
    assert samples["000000000.jpg"] == (pictures / "sub/a.jpg").read_bytes()


def test_pictures_have_to_be_somewhere(tmp_path: Path, labels: LabelFolder) -> None:
    with pytest.raises(OutputError, match="does not say where its images are"):
        export_labels(labels, tmp_path / "o", "webdataset")
    with pytest.raises(BadImageError, match="There is no image, list or folder"):
        export_labels(labels, tmp_path / "o", "webdataset", source=tmp_path / "nowhere")
    assert not (tmp_path / "o").exists()


# whatever the format


def _written(place: Path) -> dict[str, str]:
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    return {path.name: path.read_text() for path in files if path.is_file()}


@pytest.mark.parametrize("format", [kind.id for kind in LABEL_FORMATS if not kind.pictures])
def test_objects_below_the_least_score_are_left_out(
    tmp_path: Path, labels: LabelFolder, format: str
) -> None:
    done = export_labels(labels, tmp_path / "o", format, least_score=0.6)
    assert (done.images, done.objects, done.below) == (3, 2, 1)
    export_labels(labels, tmp_path / "p", format, least_score=0.95)
    assert _written(tmp_path / "o") != _written(tmp_path / "p")


@pytest.mark.parametrize("format", ["coco", "fiftyone"])
def test_memory_does_not_grow_with_the_images(tmp_path: Path, format: str) -> None:
    peaks = []
    for count in (600, 2_400):
        tracemalloc.start()
        export_labels(ManyLabels.of(count), tmp_path / "o", format)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (tmp_path / "o").stat().st_size > 1_800 * 50
    # sixteen bytes an image are kept, and sorted copies of them for a moment
    assert peaks[1] - peaks[0] < 1_800 * 100


def test_classes_are_in_the_order_of_the_job(tmp_path: Path) -> None:
    rows = [row("a", "dog"), row("a", "cat"), row("a", "ant")]
    labels = write_folder(tmp_path / "labels", rows, kept={"phrases": ["dog", "cat"]})
    export_labels(labels, tmp_path / "o.json", "fiftyone")
    assert json.loads((tmp_path / "o.json").read_text())["classes"] == ["dog", "cat", "ant"]


def test_nothing_labelled_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no labels yet"):
        export_labels(write_folder(tmp_path / "labels"), tmp_path / "o.json")
    assert not (tmp_path / "o.json").exists()


def test_an_image_that_stands_there_twice_is_said(tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a"), thing("b")], [thing("a")])
    with pytest.raises(OutputError, match="1 images stand in .* more than once"):
        export_labels(labels, tmp_path / "o.json")


def test_an_unknown_format_is_answered_with_the_nearest(
    tmp_path: Path, labels: LabelFolder
) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'coco'"):
        export_labels(labels, tmp_path / "o", "cocco")


def test_files_of_somebody_else_stay(tmp_path: Path, labels: LabelFolder) -> None:
    out = tmp_path / "o"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="none of an earlier export"):
        export_labels(labels, out, "voc", overwrite=True)
    assert (out / "mine.txt").read_text() == "precious"


def test_an_earlier_export_is_replaced_when_asked(tmp_path: Path, labels: LabelFolder) -> None:
    out = tmp_path / "o"
    export_labels(labels, out, "voc")
    with pytest.raises(OutputError, match="--overwrite it"):
        export_labels(labels, out, "yolo")
    export_labels(labels, out, "yolo", overwrite=True)
    assert (out / "data.yaml").exists() and not (out / "Annotations").exists()
    assert sorted(tmp_path.iterdir()) == [tmp_path / "labels", out]


@pytest.mark.parametrize("format", ["coco", "yolo"])
def test_a_place_that_cannot_be_written_is_said(
    tmp_path: Path, labels: LabelFolder, format: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        export_labels(labels, tmp_path / "file" / "o", format)


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a", width=None)])
    for format in ("coco", "voc"):
        with pytest.raises(OutputError, match="say no width and height"):
            export_labels(labels, tmp_path / "o", format)
    assert list(tmp_path.iterdir()) == [tmp_path / "labels"]


def test_images_that_differ_in_their_ending_keep_it(tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [thing("a.jpg"), thing("a.png"), thing("b.jpg")])
    done = export_labels(labels, tmp_path / "o", "yolo")
    names = sorted(path.name for path in (tmp_path / "o/labels").iterdir())
    assert names == ["a.jpg.txt", "a.png.txt", "b.txt"]
    assert "1 names belong to several images" in done.notes[0]


@pytest.mark.parametrize("format", ["yolo", "voc"])
def test_no_id_leads_out_of_the_folder(tmp_path: Path, format: str) -> None:
    names = ["../../up.jpg", "/root.jpg", "a//b.jpg", "c:\\d.jpg", "x" * 300, "fine/./e.jpg"]
    labels = write_folder(tmp_path / "in/labels", [thing(name) for name in names])
    export_labels(labels, tmp_path / "in/o", format)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "in"]
    assert sorted((tmp_path / "in").iterdir()) == [tmp_path / "in/labels", tmp_path / "in/o"]
    files = [path for path in (tmp_path / "in/o").rglob("renamed/*") if path.is_file()]
    assert len(files) == len(names)
