"""SAM's masks beside those of every run: whose they are, what they cost, and when there are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vlmscope as vs
from opponents import Planted, boxes
from sams import refiner, tiny_sam2
from vlmscope.data.datasets import Dataset, EvalSample, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.evaluation import choose, evaluate
from vlmscope.evaluation.entrants.entrant import Entrant, Trial
from vlmscope.evaluation.image_results import ImageResult
from vlmscope.evaluation.places import Place
from vlmscope.evaluation.rows import sentence_rows
from vlmscope.evaluation.sam import SamEntrant, check_masks, with_sam
from vlmscope.evaluation.scores import Evaluation
from vlmscope.evaluation.tasks import TASKS
from vlmscope.evaluation.thresholds import Thresholds
from vlmscope.methods import get_method
from vlmscope.models import LoadedModel
from vlmscope.refine import PROMPTS, Refiner

METHODS = ("mean-attention", "relative-attention")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    loaded = vs.load("tiny-llava")
    assert isinstance(loaded, LoadedModel)
    return loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refcoco-m")
    make_tiny("refcoco-m", root, images=2)
    return root


@pytest.fixture
def data(folder: Path) -> Dataset:
    return open_dataset("refcoco-m", folder)


@pytest.fixture
def sam() -> Refiner:
    return refiner()


def run(data: Dataset, model: Any, sam: Refiner | None, **more: Any) -> Evaluation:
    names = more.pop("methods", METHODS)
    return evaluate(data, model, choose(names), refiner=sam, progress=False, **more)


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows by run."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row.pop("method"), []).append(row)
    return rows


def embeddings(sam: Refiner) -> list[int]:
    """One entry for each run of the image encoder from now on."""
    runs: list[int] = []
    sam.hf.vision_encoder.register_forward_hook(lambda *_: runs.append(1))
    return runs


# what it measures


def test_every_run_is_followed_by_itself_with_each_prompt(
    data: Dataset, model: LoadedModel, sam: Refiner, tmp_path: Path
) -> None:
    plain = run(data, model, None, rows=tmp_path / "plain")
    found = run(data, model, sam, rows=tmp_path / "rows")
    labels = [f"{name}{end}" for name in METHODS for end in ("", *(f"+sam:{p}" for p in PROMPTS))]
    assert [each.label for each in found.runs] == labels
    rows, before = rows_of(tmp_path / "rows"), rows_of(tmp_path / "plain")
    for name in METHODS:
        assert found[name].scores == plain[name].scores
        assert rows[name] == before[name]
        for prompt in PROMPTS:
            for own, drawn in zip(rows[name], rows[f"{name}+sam:{prompt}"], strict=True):
                assert drawn["refined"] is True
                masks = ("inside", "union", "mask_iou", "refined")
                assert {k: v for k, v in drawn.items() if k not in masks} == {
                    k: v for k, v in own.items() if k not in masks
                }
            assert found[f"{name}+sam:{prompt}"]["Acc@0.5"] == found[name]["Acc@0.5"]
    ious = {prompt: found[f"{METHODS[0]}+sam:{prompt}"]["RES mIoU"].interval for prompt in PROMPTS}
    assert (
        len({str(each) for each in (*ious.values(), found[METHODS[0]]["RES mIoU"].interval)}) == 5
    )


@pytest.mark.parametrize("prompt", PROMPTS)
def test_its_masks_are_those_of_ground(
    data: Dataset, model: LoadedModel, sam: Refiner, tmp_path: Path, prompt: str
) -> None:
    """Sentence by sentence, through the public function."""
    name = METHODS[0]
    run(data, model, sam, methods=[name], refine_prompts=[prompt], rows=tmp_path / "rows")
    rows = iter(rows_of(tmp_path / "rows")[f"{name}+sam:{prompt}"])
    for image_id in data.image_ids:
        sample = data.load(image_id)
        phrases = [referent.label for referent in sample.referents]
        found = vs.ground(model, sample.image, phrases, name, refine=sam, refine_prompt=prompt)
        for grounding, referent in zip(found, sample.referents, strict=True):
            row, truth = next(rows), referent.target.mask
            assert truth is not None
            assert row["text"] == referent.label
            assert row["inside"] == int((grounding.mask & truth).sum())
            assert row["union"] == int((grounding.mask | truth).sum())


def test_the_report_says_who_drew(data: Dataset, model: LoadedModel, sam: Refiner) -> None:
    from vlmscope.evaluation.report import markdown

    found = run(data, model, sam, methods=METHODS[:1], refine_prompts=["mask", "box"])
    assert [each.label for each in found.runs] == [
        "mean-attention",
        "mean-attention+sam:mask",
        "mean-attention+sam:box",
    ]
    setting = found.runs[1].setting
    assert setting["options"] == found.runs[0].setting["options"]
    assert {key: value for key, value in setting.items() if key.startswith("sam")} == {
        "sam": "tiny-sam",
        "sam_kind": "sam",
        "sam_revision": sam.revision,
        "sam_dtype": "float32",
        "sam_prompt": "mask",
        "sam_multimask": True,
    }
    assert found.runs[1].method == "mean-attention+sam"
    text = markdown(found)
    assert "sam: tiny-sam" in text
    assert "prompted by the run's own mask" in text
    score = found.runs[1]["unprompted"]
    assert (score.interval, score.detail["count"]) == ((0.0, 0.0, 0.0), 0)
    assert score.n == found.runs[1]["RES mIoU"].n


# what it costs


def test_an_image_is_embedded_once_and_every_method_looks_once(
    data: Dataset, model: LoadedModel, sam: Refiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, looks = embeddings(sam), []
    for name in METHODS:
        method = type(get_method(name))
        inner = method.reads

        def counted(self: Any, *args: Any, inner: Any = inner) -> Any:
            looks.append(self.id)
            return inner(self, *args)

        monkeypatch.setattr(method, "reads", counted)
        if type(get_method(METHODS[0])) is type(get_method(METHODS[1])):
            break
    run(data, model, sam)
    assert len(data.image_ids) == 2
    assert len(runs) == 2
    assert sorted(looks) == sorted(2 * METHODS)


def test_what_is_finished_is_never_drawn_again(
    data: Dataset, model: LoadedModel, sam: Refiner, tmp_path: Path
) -> None:
    state, runs = tmp_path / "state.jsonl", embeddings(sam)
    first = run(data, model, sam, refine_prompts=["box"], resume=state)
    assert len(runs) == 2
    again = run(data, model, sam, refine_prompts=["box"], resume=state)
    assert len(runs) == 2
    assert again.runs == first.runs
    more = run(data, model, sam, resume=state)
    assert len(runs) == 4  # for the prompts that are new
    whole = run(data, model, sam)
    assert [each.scores for each in more.runs] == [each.scores for each in whole.runs]
    changed = replace(sam, revision="another")
    run(data, model, changed, refine_prompts=["box"], resume=state)
    assert len(runs) == 8


def test_a_digest_is_of_run_checkpoint_revision_and_prompt(sam: Refiner) -> None:
    base, other = Said("a", []), Said("b", [])
    other_kind = Refiner.wrap(*tiny_sam2(), name=sam.name, revision=sam.revision)
    half = refiner()
    half.hf.vision_encoder.bfloat16()
    entrants = [
        SamEntrant(base, sam, "box"),
        SamEntrant(base, sam, "point"),
        SamEntrant(other, sam, "box"),
        SamEntrant(base, replace(sam, name="another"), "box"),
        SamEntrant(base, replace(sam, revision="another"), "box"),
        SamEntrant(base, other_kind, "box"),
        SamEntrant(base, replace(half, revision=sam.revision), "box"),
    ]
    digests = {each.digest for each in entrants}
    assert len(digests) == len(entrants)
    assert not any(" " in each for each in digests)  # a state file's key is split by them
    assert SamEntrant(Said("a", [], "elsewhere"), sam, "box").digest == entrants[0].digest
    assert entrants[5].label == "a+sam2:box"


# what cannot be prompted


class Said(Entrant):
    """Answers what it is told to."""

    def __init__(
        self, digest: str, places: list[Place], label: str | None = None, draws: bool = True
    ) -> None:
        self._digest, self.places, self.draws = digest, places, draws
        self.label = label or digest

    id = property(lambda self: "said")
    digest = property(lambda self: self._digest)

    def setting(self) -> dict[str, Any]:
        return {"options": {}}

    def result(self, trial: Trial) -> ImageResult:
        return SaidResult(self.places)


class SaidResult(ImageResult):
    def __init__(self, places: list[Place]) -> None:
        self._places = places

    def pointing(self) -> list[tuple[int, float]]:
        return [(1, 0.5)] * len(self._places)

    def places(self) -> list[Place]:
        return self._places

    def classes(self) -> Any:
        raise NotImplementedError

    def evidence(self) -> Any:
        raise NotImplementedError


@pytest.fixture
def sample(data: Dataset) -> EvalSample:
    """An image with three sentences."""
    sample = data.load(data.image_ids[0])
    return replace(sample, referents=(sample.referents[0],) * 3)


def placed(sample: EvalSample, **changes: Any) -> Place:
    mask = np.zeros(sample.image.size, bool)
    mask[5:20, 10:30] = True
    place = Place(mask, (10.0, 5.0, 30.0, 20.0), (20.0, 12.0), 0.5, remarks={"answer": "there"})
    return replace(place, **changes)


@pytest.mark.parametrize(
    ("prompt", "lacking"),
    [
        ("box", {"box": None}),
        ("box", {"box": (-9.0, 2.0, -1.0, 5.0)}),  # beside the image
        ("box", {"box": (3.0, 2.0, 3.0, 5.0)}),
        ("point", {"point": None}),
        ("point", {"point": (-4.0, 3.0)}),
        ("both", {"point": None}),
        ("both", {"box": None}),
    ],
)
def test_who_lacks_a_prompt_keeps_the_mask_and_is_counted(
    sample: EvalSample, sam: Refiner, prompt: str, lacking: dict[str, Any]
) -> None:
    places = [placed(sample), placed(sample, **lacking), placed(sample)]
    base = Said("said", places)
    drawn = SamEntrant(base, sam, prompt)
    result = drawn.result(Trial(sample, [drawn]))
    found = result.places()
    assert found is result.places()
    assert [place.remarks for place in found] == [
        {"answer": "there", "refined": refined} for refined in (True, False, True)
    ]
    assert found[1].mask is places[1].mask
    assert not np.array_equal(found[0].mask, places[0].mask)
    assert [place.box for place in found] == [place.box for place in places]
    assert result.pointing() == [(1, 0.5)] * 3
    rows = sentence_rows(sample, result, False)
    (score,) = drawn.own_scores(rows, 0)
    assert (score.metric, score.n, score.detail["count"]) == ("unprompted", 3, 1)


def test_an_empty_mask_prompts_nothing(sample: EvalSample, sam: Refiner) -> None:
    empty = np.zeros(sample.image.size, bool)
    base, runs = Said("said", [placed(sample, mask=empty)] * 3), embeddings(sam)
    drawn = SamEntrant(base, sam, "mask")
    found = drawn.result(Trial(sample, [drawn])).places()
    assert [place.remarks["refined"] for place in found] == [False] * 3
    assert not runs  # nothing to draw, nothing to embed


def test_a_box_over_the_border_prompts_with_what_lies_inside(
    sample: EvalSample, sam: Refiner
) -> None:
    height = sample.image.size[0]
    over = placed(sample, box=(-20.0, 5.0, 30.0, height + 9.0))
    inside = placed(sample, box=(0.0, 5.0, 30.0, float(height)))
    drawn = SamEntrant(Said("said", [over, inside, over]), sam, "box")
    first, second, _ = drawn.result(Trial(sample, [drawn])).places()
    assert np.array_equal(first.mask, second.mask)
    assert first.box == over.box


def test_who_draws_no_masks_gets_them_from_sam(sample: EvalSample, sam: Refiner) -> None:
    places = [
        placed(sample, mask=None),
        placed(sample, mask=None, box=None),
        placed(sample, mask=None),
    ]
    base = Said("boxes", places, draws=False)
    runs = with_sam([base, Said("masks", [])], sam)
    assert [each.label for each in runs] == [
        "boxes",
        *(f"boxes+sam:{prompt}" for prompt in ("box", "point", "both")),
        "masks",
        *(f"masks+sam:{prompt}" for prompt in PROMPTS),
    ]
    rows = sentence_rows(sample, runs[1].result(Trial(sample, runs[1:2])), False)
    assert [row["refined"] for row in rows] == [True, False, True]
    # nothing found is a miss, not a sentence fewer
    truth = sample.referents[0].target.mask
    assert truth is not None
    assert (rows[1]["inside"], rows[1]["union"]) == (0, int(truth.sum()))


def test_sam_draws_for_comparators_and_for_written_boxes(
    data: Dataset, model: LoadedModel, sam: Refiner, tmp_path: Path
) -> None:
    """A phrase that is refused, a box that is not there: each is counted, none is left out."""
    phrases = [r.label for i in data.image_ids for r in data.load(i).referents]

    def answer(phrase: str) -> Any:
        if phrase == phrases[0]:
            return boxes(notes=("nothing",))
        return boxes((10.0, 20.0, 900.0, 60.0))  # over the border

    runs, guest = embeddings(sam), Planted(answer)
    names = ["mean-attention", "answer"]
    found = run(data, model, sam, methods=names, against=[guest], rows=tmp_path / "rows")
    assert len(runs) == len(data.image_ids)
    assert guest.calls == len(phrases)
    assert [each.label for each in found.runs if each.label.startswith(("planted", "answer"))] == [
        f"{name}{end}"
        for name in ("answer", "planted")
        for end in ("", "+sam:box", "+sam:point", "+sam:both")
    ]
    assert found["planted"]["RES mIoU"].interval is None
    drawn = found["planted+sam:box"]
    lost = phrases.count(phrases[0])
    assert drawn["RES mIoU"].n == drawn["unprompted"].n == len(phrases)
    assert drawn["unprompted"].detail["count"] == lost
    assert drawn["Acc@0.5"] == found["planted"]["Acc@0.5"]
    assert "notes" not in drawn["unprompted"].detail  # they stand with the comparator
    rows = rows_of(tmp_path / "rows")
    missed = [row["mask_iou"] for row in rows["planted+sam:box"] if row["text"] == phrases[0]]
    assert missed == [0.0] * lost
    unparsed = sum(row["unparsed"] for row in rows["answer"])
    assert found["answer+sam:box"]["unprompted"].detail["count"] >= unparsed


def test_sam_compares_no_classes(data: Dataset, sample: EvalSample, sam: Refiner) -> None:
    drawn = SamEntrant(Said("said", []), sam, "box")
    result = drawn.result(Trial(sample, [drawn]))
    for ask in (result.classes, result.evidence):
        with pytest.raises(UnsupportedError, match="compares no classes"):
            ask()
    scenes = open_dataset("tiny-scenes")
    clip = vs.load("tiny-clip")
    found = run(scenes, clip, sam, methods=["gem"], refine_prompts=["box"], limit=1)
    assert set(found.protocol["tasks"]) == {"pointing", "referring"}
    with pytest.raises(UnsupportedError, match=r"gem\+sam"):
        run(scenes, clip, sam, methods=["gem"], limit=1, tasks=["segmentation", "referring"])
    # alone, it is what masks of everything vote for
    found = run(scenes, clip, sam, methods=["gem"], limit=1, tasks=["segmentation"])
    assert [each.label for each in found.runs] == ["gem", "gem+sam:vote"]


# what is refused


def test_where_no_mask_is_scored_sam_is_refused(
    data: Dataset, model: LoadedModel, sam: Refiner, tmp_path: Path
) -> None:
    make_tiny("screenspot", tmp_path / "screens", images=2)
    screens = open_dataset("screenspot", tmp_path / "screens")
    runs = embeddings(sam)
    with pytest.raises(BadOptionError, match="screenspot has boxes and no masks"):
        run(screens, model, sam)
    with pytest.raises(BadOptionError, match="none of pointing asks for the mask"):
        run(data, model, sam, tasks=["pointing"])
    assert not runs
    check_masks(data, [TASKS.get("pointing"), TASKS.get("referring")])


@pytest.mark.parametrize(
    ("prompts", "error", "text"),
    [
        ([], BadOptionError, "once, one at least"),
        (["box", "box"], BadOptionError, "once, one at least"),
        (["maks"], UnknownNameError, "mask"),
    ],
)
def test_prompts_that_cannot_be(
    data: Dataset, model: LoadedModel, sam: Refiner, prompts: Any, error: Any, text: str
) -> None:
    with pytest.raises(error, match=text):
        run(data, model, sam, refine_prompts=prompts)


def test_prompts_need_a_sam(data: Dataset, model: LoadedModel) -> None:
    with pytest.raises(BadOptionError, match="there is no SAM"):
        run(data, model, None, refine_prompts=["box"])


# the absent


def test_a_threshold_is_that_of_the_run_it_starts_from(
    model: LoadedModel, sam: Refiner, tmp_path: Path
) -> None:
    make_tiny("grefcoco", tmp_path / "set", images=2)
    opened: Callable[[str], Dataset] = lambda split: open_dataset(  # noqa: E731
        "grefcoco", tmp_path / "set", split=split
    )
    file, name = tmp_path / "thresholds.json", METHODS[0]
    run(opened("val"), model, sam, methods=[name], thresholds_out=file, refine_prompts=["box"])
    thresholds = Thresholds.load(file)
    assert list(thresholds.labels.values()) == [name]
    found = run(
        opened("testA"), model, sam, methods=[name], thresholds=thresholds, refine_prompts=["box"]
    )
    drawn = found[f"{name}+sam:box"]
    for metric in ("absent AUC", "N_acc", "T_acc", "GREC F1"):
        assert drawn[metric] == found[name][metric]
    assert drawn["GRES gIoU"] != found[name]["GRES gIoU"]
