"""Where in a picture an answer of a served model depends."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from vlmscope.analysis.endpoint.cautions import cautions_of
from vlmscope.analysis.endpoint.report import explanation_page
from vlmscope.analysis.endpoint.table import EXPLANATION_COLUMNS, explanation_table
from vlmscope.analysis.faithfulness.result import Faithfulness
from vlmscope.io import write_json
from vlmscope.markup import PICTURE_SIDE, card, light_png, one_line, shorten, table
from vlmscope.results import Grounding
from vlmscope.types import Box
from vlmscope.types.views import View as Cells
from vlmscope.types.views import paint_views
from vlmscope.viewer import View

__all__ = ["EndpointExplanation"]

_LIT = 0.5  # of the largest drop: what the box is around


@dataclass(frozen=True, eq=False)
class EndpointExplanation:
    """A map of what the answer loses where the picture is hidden, and whether it can be trusted.

    Attributes:
        run: everything needed to repeat the run: endpoint, model, way, settings, requests; no key.
        image: uint8 (height, width, 3), as it was sent.
        question: what was asked.
        answer: whose log-probability was followed.
        tokens: what each of its tokens writes; by ``leading-tokens`` perhaps the first ones alone.
        followed: indices of the tokens that were followed.
        clean: float (tokens,): their log-probabilities on the unchanged picture, in nats; NaN: not known.
        map: float32 (rows, columns): what the answer's log-probability loses where a cell is hidden, in
            nats; below 0 where it gains.
        noise: by how much the unchanged picture, asked twice, differs from itself, in nats.
        effect: the largest drop of a single window, in nats.
        counts: values by how they are known: ``exact``; ``bounded``, of which only a bound is known;
            ``unknown``, which count as unchanged.
        whole: the tokens write the whole answer.
        curve_record: the curves as JSON values; None: none were measured.
    """

    run: dict[str, Any] = field(repr=False)
    image: NDArray[np.uint8] = field(repr=False)
    question: str
    answer: str
    tokens: tuple[str, ...]
    followed: tuple[int, ...]
    clean: NDArray[np.float64] = field(repr=False)
    map: NDArray[np.float32] = field(repr=False)
    noise: float
    effect: float
    counts: dict[str, int]
    whole: bool = True
    curve_record: dict[str, Any] | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return one_line(
            self,
            f"{shorten(self.question, 60)!r} -> {shorten(self.answer, 60)!r}",
            f"{self.run['model']} by {self.run['way']}",
            f"largest drop {self.effect:.3g} nats, noise {self.noise:.2g}",
            "" if self.trusted else "not to be trusted",
        )

    def _repr_html_(self) -> str:
        shown = card(
            f"{self.question} → {self.answer}",
            table(explanation_table(self), EXPLANATION_COLUMNS),
            lead=f"{self.run['model']} by {self.run['way']}.",
            notes=self.warnings,
        )
        return self.view().inline(shown)

    def _repr_png_(self) -> bytes:
        return light_png(self.overlay(max_side=PICTURE_SIDE, min_side=320), PICTURE_SIDE)

    @property
    def trusted(self) -> bool:
        """Whether the largest drop is above the noise: else the map shows chance."""
        return self.effect > self.noise

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to be read before the map is believed."""
        return cautions_of(self)

    @property
    def logprob(self) -> float:
        """Summed log-probability of the followed tokens on the unchanged picture, in nats."""
        return float(self.clean[list(self.followed)].sum())

    @cached_property
    def curves(self) -> Faithfulness | None:
        """Insertion and deletion of the map, ``occlusion``, and the mean of random orders; None: not run."""
        if self.curve_record is None:
            return None
        text = json.dumps([self.question, self.answer])
        digest = hashlib.sha256(text.encode() + self.image.tobytes()).hexdigest()
        about = {"question": self.question, "answer": self.answer, "id": digest}
        record = {**about, **self.curve_record}
        return Faithfulness(self.run, (record,), (), int(self.run["seed"]))

    @cached_property
    def heatmap(self) -> NDArray[np.float32]:
        """Float32 (height, width) of the picture, 0..1, for display: gains are 0, the largest drop is 1."""
        rows, columns = self.map.shape
        height, width = self.image.shape[:2]
        edges = np.linspace(0, height, rows + 1), np.linspace(0, width, columns + 1)
        cells = Cells("image", np.arange(rows * columns), *edges)
        grid = np.maximum(self.map.astype(np.float64), 0)
        painted = paint_views([cells], [grid], (height, width), "bilinear")
        highest = float(painted.max())
        return painted / np.float32(highest) if highest > 0 else painted

    @property
    def point(self) -> tuple[float, float] | None:
        """(x, y) of the middle of the cell with the largest drop; None: nothing is lost anywhere."""
        if self.map.max() <= 0:
            return None
        row, column = np.unravel_index(int(self.map.argmax()), self.map.shape)
        x0, y0, x1, y1 = self._edges(int(row), int(row) + 1, int(column), int(column) + 1)
        return (x0 + x1) / 2, (y0 + y1) / 2

    @cached_property
    def grounding(self) -> Grounding:
        """The map as a :class:`~vlmscope.results.Grounding`: its box is around cells of at least half the
        largest drop that touch its cell."""
        lit = self._lit()
        height, width = self.image.shape[:2]
        mask = np.zeros((height, width), dtype=bool)
        box = None
        if lit.any():
            rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
            box = self._edges(rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
            lines = np.arange(height) * self.map.shape[0] // height
            across = np.arange(width) * self.map.shape[1] // width
            mask = lit[lines[:, None], across[None, :]]
        return Grounding(
            phrase=f"{self.question} → {self.answer}",
            method="occlusion",
            model=self.run["model"],
            image=self.image,
            heatmap=self.heatmap,
            score_map=self.map,
            mask=mask,
            box=box,
            point=self.point,
            score=self.effect,
            seen=(0.0, 0.0, float(width), float(height)),
            details={"score": "largest drop of the answer's log-probability, in nats"},
            warnings=self.warnings,
        )

    def overlay(self, **options: Any) -> Image.Image:
        """The picture with the map, its box and its peak; options as those of ``Grounding.overlay``."""
        return self.grounding.overlay(**options)

    def view(self) -> View:
        """What the viewer draws: the page that the command writes."""
        return explanation_page(self).view()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result: JSON, or a page to a name that ends in .html, .htm or .view.

        Raises:
            OutputError: when the place cannot be written.
        """
        if Path(path).suffix.lower() in (".html", ".htm", ".view"):
            explanation_page(self).write(path)
        else:
            write_json(path, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        curves = self.curves
        return {
            "run": self.run,
            "question": self.question,
            "answer": self.answer,
            "tokens": [
                {"text": text, "logprob": _number(value), "followed": index in self.followed}
                for index, (text, value) in enumerate(zip(self.tokens, self.clean, strict=True))
            ],
            "logprob": self.logprob,
            "map": self.map.astype(float).tolist(),
            "unit": f"nats lost, {self.run['follow']} over the followed tokens",
            "box": None if self.grounding.box is None else list(self.grounding.box),
            "point": None if self.point is None else list(self.point),
            "effect": self.effect,
            "noise": self.noise,
            "trusted": self.trusted,
            "values": self.counts,
            "curves": self.curve_record,
            "scores": [] if curves is None else [each.to_dict() for each in curves.scores],
            "warnings": list(self.warnings),
        }

    def to_json(self, indent: int | None = None) -> str:
        """The dictionary of :meth:`to_dict` as strict JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def _lit(self) -> NDArray[np.bool_]:
        """Bool (rows, columns)."""
        if self.map.max() <= 0:
            return np.zeros(self.map.shape, dtype=bool)
        labels, _ = ndimage.label(self.map >= _LIT * self.map.max())
        lit: NDArray[np.bool_] = labels == labels.flat[int(self.map.argmax())]
        return lit

    def _edges(self, top: int, bottom: int, left: int, right: int) -> Box:
        """xyxy in pixels of a block of cells: the cells of the pixels whose number they divide."""
        height, width = self.image.shape[:2]
        rows, columns = self.map.shape
        y0, y1 = (-(-int(each) * height // rows) for each in (top, bottom))
        x0, x1 = (-(-int(each) * width // columns) for each in (left, right))
        return float(x0), float(y0), float(x1), float(y1)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
