"""Where in the picture an answer depends, asked of a served model: hide a part, see what the answer loses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.endpoint.answer import Scores
from vlmscope.analysis.endpoint.asker import Asker
from vlmscope.analysis.endpoint.client import Endpoint
from vlmscope.analysis.endpoint.client.log import AnswerLog
from vlmscope.analysis.endpoint.curves import curve_points, curves_of
from vlmscope.analysis.endpoint.follow import Followed
from vlmscope.analysis.endpoint.messages import Asking
from vlmscope.analysis.endpoint.options import ExplainOptions
from vlmscope.analysis.endpoint.pictures import MAX_PIXELS, Pictures
from vlmscope.analysis.endpoint.probe import FEWEST, Grasp, grasp_answer, scored
from vlmscope.analysis.endpoint.result import EndpointExplanation
from vlmscope.analysis.endpoint.windows import drops_on_cells, windows_of
from vlmscope.data.images import ImageSource, OpenedImage
from vlmscope.errors import BadPhraseError
from vlmscope.version import __version__

__all__ = ["explain_endpoint"]

Hidden = NDArray[np.bool_]


def explain_endpoint(
    endpoint: Endpoint,
    image: ImageSource | OpenedImage,
    question: str,
    options: ExplainOptions | None = None,
    *,
    answer: str | None = None,
    resume: str | os.PathLike[str] | None = None,
    max_pixels: int = MAX_PIXELS,
    progress: bool = False,
) -> EndpointExplanation:
    """Where in the picture the answer of a served model depends, by its log-probabilities alone.

    Windows of the picture are hidden one after the other; the map holds what the answer's
    log-probability loses by it. Insertion and deletion curves then say whether the map is right, beside
    those of random orders. The endpoint is asked what it can do; which way was used is in the result.

    Args:
        endpoint: the served model.
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        question: what is asked about it.
        options: see :class:`ExplainOptions`.
        answer: whose log-probability is followed; None: the endpoint's own, at temperature 0.
        resume: state file: what was answered is not asked again. It holds answers, no key and no
            picture.
        max_pixels: larger pictures are refused.
        progress: show a bar on stderr.

    Raises:
        EndpointError: unreachable, no chat endpoint, a wrong key, no log-probabilities, an answer that
            is cut off or changes, replies that lack something; the message says which and how many.
        BadOptionError: a budget that is too small, before the first request where it can be known.
        BadImageError: a picture that cannot be read or is too large.
        BadPhraseError: a question or an answer without words.
    """
    options = options or ExplainOptions()
    sides = options.sides
    for name, text in (("question", question), ("answer", answer)):
        if text is not None and not (isinstance(text, str) and text.strip()):
            raise BadPhraseError(f"The {name} is empty. Give it in words.")
    pictures = Pictures.of(image, options, max_pixels)
    log = AnswerLog(resume, endpoint.address.base, endpoint.model)
    asker = Asker(endpoint, log, progress)
    run = _Run(asker, Asking(question, options.top, options.seed), pictures, options)
    return run.explained(sides, None if answer is None else answer.strip())


@dataclass
class _Run:
    """One explanation under way."""

    asker: Asker
    asking: Asking
    pictures: Pictures
    options: ExplainOptions

    def explained(self, sides: Sequence[int], given: str | None) -> EndpointExplanation:
        """Ask, and put together what came of it.

        Args:
            sides: of the windows, in cells.
            given: the answer; None: the endpoint's own.
        """
        scales = windows_of(self.pictures.regions.shape, sides)
        windows = [window for windows in scales for window in windows]
        grasp = self._grasped(windows, given)
        followed = Followed.of(grasp)
        scores = self._measure(windows, grasp, "occlusion")
        drops = followed.drops(scores, self.options.follow)
        ends = np.cumsum([0, *map(len, scales)])
        cells = drops_on_cells(scales, [drops[a:b].tolist() for a, b in pairwise(ends)])
        known = {self._whole.tobytes(): grasp.clean[0]}
        known |= {window.tobytes(): each for window, each in zip(windows, scores, strict=True)}
        curves, more = self._curves(cells, known, grasp, followed)
        return EndpointExplanation(
            run=self._record(grasp, len(windows), len(more)),
            image=self.pictures.pixels,
            question=self.asking.question,
            answer=grasp.answer.text,
            tokens=tuple(grasp.answer.words),
            followed=followed.tokens,
            clean=grasp.clean[0].logprobs,
            map=cells.reshape(self.pictures.regions.shape).astype(np.float32),
            noise=followed.noise(self.options.follow),
            effect=float(drops.max()),
            counts=followed.counts([*scores, *more]),
            whole=grasp.answer.whole,
            curve_record=curves,
        )

    def _grasped(self, windows: Sequence[Hidden], given: str | None) -> Grasp:
        """The answer and the way to it; the budget is compared before and after it is found out."""
        points = curve_points(len(self.pictures.regions), self.options)
        if self.asker.is_new:  # how much of an earlier run can be used is known when the way is
            self._check(FEWEST + len(windows) + points, len(windows), points, at_least=True)
        picture = self.pictures.url(self._whole)
        grasp = grasp_answer(self.asker, self.asking, picture, given, self.options)
        missing = self._missing(windows, grasp)
        if missing:
            more = points * grasp.way.requests(grasp.answer)
            self._check(missing + more, len(windows), points)
        return grasp

    def _curves(
        self,
        cells: NDArray[np.float64],
        known: Mapping[bytes, Scores],
        grasp: Grasp,
        followed: Followed,
    ) -> tuple[dict[str, Any] | None, list[Scores]]:
        if not self.options.curves:
            return None, []
        return curves_of(
            cells,
            self.pictures.regions,
            self.options,
            known,
            lambda removals: self._curve_scores(removals, grasp),
            followed,
        )

    @property
    def _whole(self) -> Hidden:
        """Nothing is hidden."""
        return np.zeros(len(self.pictures.regions), dtype=bool)

    def _curve_scores(self, removals: Sequence[Hidden], grasp: Grasp) -> list[Scores]:
        missing = self._missing(removals, grasp)
        self.asker.check_budget(missing, f"{len(removals)} pictures of the curves")
        return self._measure(removals, grasp, "curves")

    def _measure(self, hidden: Sequence[Hidden], grasp: Grasp, title: str) -> list[Scores]:
        return self.asker.each(
            hidden,
            lambda each: scored(
                self.asker, self.asking, grasp.way, grasp.answer, self.pictures.url(each)
            ),
            title,
        )

    def _missing(self, hidden: Sequence[Hidden], grasp: Grasp) -> int:
        """Requests for these pictures that were not answered yet."""
        if self.asker.is_new:
            return len(hidden) * grasp.way.requests(grasp.answer)
        return sum(
            not self.asker.knows(payload)
            for each in hidden
            for payload in grasp.way.payloads(self.asking, self.pictures.url(each), grasp.answer)
        )

    def _check(self, needed: int, windows: int, points: int, at_least: bool = False) -> None:
        doing = f"{windows} windows" + (f", up to {points} points of curves" if points else "")
        if at_least:
            doing += ", one request each at least, and what finds out how it can be asked"
        self.asker.check_budget(needed, doing)

    def _record(self, grasp: Grasp, windows: int, points: int) -> dict[str, Any]:
        endpoint = self.asker.endpoint
        height, width = self.pictures.pixels.shape[:2]
        return {
            "analysis": "endpoint",
            "model": endpoint.model,
            "endpoint": endpoint.address.base,
            "way": grasp.way.name,
            "ways": grasp.tried,
            **{name: value for name, value in asdict(self.options).items() if name != "way"},
            "picture": {"height": height, "width": width},
            "original": list(self.pictures.original),
            "requests": {
                "sent": self.asker.sent,
                "repeated": self.asker.repeated,
                "from_disk": self.asker.from_disk,
                "each_picture": grasp.way.requests(grasp.answer),
                "windows": windows,
                "curve_pictures": points,
            },
            "versions": {"vlmscope": __version__},
        }
