"""``segment``: which of these classes is every pixel?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.data.classes import ClassList
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.methods.catalogue import METHODS, get_method
from vlmscope.methods.encoder.method import DenseMethod, describe
from vlmscope.methods.encoder.pixel_adaptive import class_scores
from vlmscope.methods.encoder.presence_rules import PRESENCE_RULES, class_presence
from vlmscope.methods.encoder.similarity import DenseSetup, best_of_each, compare
from vlmscope.methods.encoder.texts import (
    alike_caution,
    phrase_embeddings,
    read_alike,
    unknown_caution,
)
from vlmscope.methods.encoder.window import WindowPlan
from vlmscope.methods.grounder import ground_options
from vlmscope.methods.sam_votes import SamVotes
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.models.encoders.patches import grid_size
from vlmscope.models.guard import check_model
from vlmscope.options import check_word
from vlmscope.post import Labels, Regions, competing_labels, standalone_labels, vote
from vlmscope.refine import AutomaticOptions, Refiner
from vlmscope.results import Segmentation
from vlmscope.types import BACKGROUND, TokenMap

__all__ = ["GROUND_ONLY", "STANDALONE_ONLY", "Segmenter", "dense_method", "segment", "segmenter"]

GROUND_ONLY = ("keep", "surface")
"""Options of a dense method that mean nothing where every pixel gets a label."""

STANDALONE_ONLY = ("threshold", "share")
"""Options that need ``compete=False``."""

Window = int | tuple[int, int]


@dataclass(frozen=True, eq=False)
class Segmenter:
    """A method on a model with its classes embedded: call it on one image after the other.

    Attributes:
        setup: method, model and options.
        classes: what is told apart.
        text: unit vectors (texts, joint), one for each of ``classes.texts``.
        compete: whether classes compete for every pixel, or each has its own threshold.
        background: least softmax probability of a labelled pixel, or None.
        least_presence: least presence of a class that gets pixels, or None.
        least_score: least cosine similarity of a labelled pixel, or None.
        logit_scale: factor between cosine similarity and logits.
        cautions: what to know of the classes' texts on this model before trusting any result.
        votes: the SAM whose masks get one class each, or None.
        presence_rule: how presence is told, one of
            :data:`vlmscope.methods.encoder.presence_rules.PRESENCE_RULES`.
    """

    setup: DenseSetup
    classes: ClassList
    text: Tensor = field(repr=False)
    compete: bool
    background: float | None
    least_presence: float | None
    least_score: float | None
    logit_scale: float
    cautions: tuple[str, ...] = ()
    votes: SamVotes | None = None
    presence_rule: str = "mean"

    def __call__(self, image: ImageSource | OpenedImage) -> Segmentation:
        """Segment one image.

        Raises:
            BadImageError: an image that cannot be read.
            BadOptionError: an image that becomes more patches than can be attended.
        """
        setup = self.setup
        pixels = open_image(image).pixels
        similarity = compare(setup, pixels, self.text)
        owners, count = self.classes.owners, len(self.classes)
        scores = best_of_each(similarity.patches, owners, count).numpy()
        presences = class_presence(
            similarity, owners, count, self.presence_rule, _own_scale(setup.encoder)
        ).numpy()
        labels = self._labels(similarity.token_map, scores, presences, pixels)
        grid = similarity.token_map.views[0].grid
        return Segmentation(
            names=self.classes.names,
            method=setup.method.id,
            model=setup.encoder.id,
            image=pixels,
            labels=labels.labels,
            score_maps=scores.T.reshape(count, *grid).astype(np.float32),
            presence=presences.astype(np.float32),
            confidence=labels.confidence,
            details={**describe(setup, similarity), **self.settings},
            warnings=(
                *self.classes.notes,
                *self.cautions,
                *setup.method.cautions(setup.encoder, setup.options),
                *similarity.token_map.picture_notes,
            ),
        )

    @property
    def header(self) -> dict[str, Any]:
        """Everything that decides a result beside the image: JSON values."""
        encoder = self.setup.encoder
        return {
            "model": encoder.id,
            "revision": encoder.revision,
            "dtype": str(encoder.dtype).removeprefix("torch."),
            "method": self.setup.method.id,
            "options": asdict(self.setup.options),
            **self.settings,
            "classes": {each.name: list(each.texts) for each in self.classes.classes},
        }

    @property
    def settings(self) -> dict[str, Any]:
        """What was decided beside the method's own options: JSON values."""
        return {
            "background": self.background,
            "least_presence": self.least_presence,
            "least_score": self.least_score,
            "logit_scale": self.logit_scale,
            "presence_is": PRESENCE_RULES[self.presence_rule],
            **({} if self.votes is None else {"refined": self.votes.record}),
        }

    def _labels(
        self,
        token_map: TokenMap,
        scores: NDArray[np.float32],
        presences: NDArray[np.float32],
        pixels: NDArray[np.uint8],
    ) -> Labels:
        least = -math.inf if self.least_presence is None else self.least_presence
        kept = np.flatnonzero(presences >= least)
        if not len(kept):
            nothing = np.full(token_map.image_size, BACKGROUND, dtype=np.uint16)
            return Labels(nothing, np.zeros(len(presences), np.float32) if self.compete else None)
        options = self.setup.options
        where, some = class_scores(token_map, scores[:, kept], pixels, options)
        if not self.compete:
            chosen = standalone_labels(where, some, options, self._regions(where, some, pixels))
            return _renumbered(chosen, kept, len(presences))
        if self.least_score is not None:  # the background is a rival of that score everywhere
            some = np.column_stack([some, np.full(len(some), self.least_score, some.dtype)])
        regions = self._regions(where, some, pixels)
        chosen = competing_labels(where, some, self.logit_scale, self.background, regions)
        return _renumbered(chosen, kept, len(presences))

    def _regions(
        self, where: TokenMap, scores: NDArray[np.floating], pixels: NDArray[np.uint8]
    ) -> Regions | None:
        if self.votes is None:
            return None
        return vote(where, scores, (each.mask for each in self.votes.masks(pixels)))


def segment(
    model: LoadedModel | DualEncoder,
    image: ImageSource | OpenedImage,
    classes: Any,
    method: str = "gem",
    *,
    compete: bool = True,
    background: float | None = None,
    least_presence: float | None = None,
    least_score: float | None = None,
    window: Window | None = None,
    logit_scale: float | None = None,
    refine: Refiner | None = None,
    refine_masks: AutomaticOptions | None = None,
    presence_rule: str = "mean",
    **options: Any,
) -> Segmentation:
    """Give every pixel of an image one of the classes.

    Scores are compared on original pixels, painted bilinearly from the patch grid.

    Args:
        model: a dual encoder (CLIP, SigLIP, BLIP, or a ViT classifier with its labels).
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        classes: ``"a, b, c"``, a text file, a list or a mapping; see :class:`ClassList`.
        method: id of a dense method; see ``vlmscope methods``.
        compete: the class with the largest score takes the pixel; False: each class is lit by its
            own threshold (option ``threshold``), pixels lit by none are background.
        background: pixels whose largest softmax probability over the classes lies below this are
            background; None: every pixel gets a class.
        least_presence: classes whose presence in the image is less get no pixels; probabilities are
            over those that are left. Presence (see ``Segmentation.presence``) is comparable between
            images of one model and method: read a value off images with and without a class.
        least_score: pixels whose best class has less cosine similarity are background, for classes
            that compete. With ``least_presence`` it finds the background far better than
            ``background`` does; figures in :mod:`vlmscope.methods.encoder.similarity`.
        window: side of sliding windows in pixels of the resized image, or (side, stride); None for
            the whole image at once. The stride is half the side unless given.
        logit_scale: factor between cosine similarity and logits; None: the model's own. It decides
            how sharp the softmax is, and nothing else.
        refine: a SAM (:func:`vlmscope.load_sam`) whose masks of everything in the image vote: each goes
            to the class with the largest mean score inside, by the same rules as a pixel; where masks
            overlap the smaller one lies on top; pixels without a mask keep their class.
        refine_masks: which masks SAM makes (:class:`AutomaticOptions`); None: by the published rules.
        presence_rule: how presence is told: ``mean``, or ``rivals``, which tells it better but depends on
            the other classes; see :mod:`vlmscope.methods.encoder.presence_rules`.
        **options: of the method.

    Raises:
        BadImageError: an image that cannot be read.
        BadPhraseError: no class, or a class list that contradicts itself.
        BadOptionError: a value out of range, or one class alone where classes compete.
        UnknownNameError: an unknown method or option, or a class that a classifier has no label for.
        UnsupportedError: a model or method that yields no scores per patch.
    """
    ready = segmenter(
        model,
        classes,
        method,
        compete=compete,
        background=background,
        least_presence=least_presence,
        least_score=least_score,
        window=window,
        logit_scale=logit_scale,
        refine=refine,
        refine_masks=refine_masks,
        presence_rule=presence_rule,
        **options,
    )
    return ready(image)


def segmenter(
    model: LoadedModel | DualEncoder,
    classes: Any,
    method: str = "gem",
    *,
    compete: bool = True,
    background: float | None = None,
    least_presence: float | None = None,
    least_score: float | None = None,
    window: Window | None = None,
    logit_scale: float | None = None,
    refine: Refiner | None = None,
    refine_masks: AutomaticOptions | None = None,
    presence_rule: str = "mean",
    **options: Any,
) -> Segmenter:
    """Check everything and embed the classes once, for many images. Arguments: :func:`segment`."""
    check_model(model)
    chosen = dense_method(method)
    if not isinstance(model, DualEncoder):
        raise UnsupportedError(
            f"segment needs a dual encoder such as CLIP, and {model.id} is none. Use `ground` with "
            "it, one phrase per class."
        )
    listed = ClassList.of(classes)
    _check(listed, compete, background, logit_scale)
    _check_cosine("least_presence", least_presence)
    _check_cosine("least_score", least_score, compete)
    check_word("presence_rule", presence_rule, PRESENCE_RULES)
    settings = ground_options(
        chosen, model, {**_allowed(options, compete), **_windowed(window), "compete": compete}
    )
    chosen.check_texts(len(listed.texts), settings)
    setup = DenseSetup(chosen, model, settings)
    _check_grid(setup)
    scale = _own_scale(model) if logit_scale is None else float(logit_scale)
    text = phrase_embeddings(model, listed.texts, settings.templates)
    setup.companions  # noqa: B018 - refused now, not at the first image
    return Segmenter(
        setup,
        listed,
        text,
        compete,
        background,
        least_presence,
        least_score,
        scale,
        _text_cautions(model, listed, text),
        SamVotes.of(refine, refine_masks),
        presence_rule,
    )


def dense_method(name: str) -> DenseMethod:
    """The dense method of an id.

    Raises:
        UnknownNameError: no such method.
        UnsupportedError: one that yields no scores per patch.
    """
    method = get_method(name)
    if isinstance(method, DenseMethod):
        return method
    dense = [each.id for each in METHODS if isinstance(each, DenseMethod)]
    raise UnsupportedError(
        f"The method {name!r} gives one region per phrase, no scores per patch. "
        f"For segmentation take one of: {', '.join(dense)}."
    )


def _own_scale(encoder: DualEncoder) -> float:
    return float(encoder.family.logit_scale(encoder.hf))


def _check(
    classes: ClassList, compete: bool, background: float | None, logit_scale: float | None
) -> None:
    if len(classes) < 2 and compete:
        raise BadOptionError(
            f"One class alone ({classes.names[0]!r}) would take every pixel. Add classes it is told "
            "from (for example: background), or use compete=False (--no-compete) to light it by a "
            "threshold of its own."
        )
    if background is not None and not (compete and _number(background) and 0 < background < 1):
        raise BadOptionError(
            "background is a softmax probability between 0 and 1 that a pixel's best class must "
            f"reach, for classes that compete; got {background!r} with compete={compete}."
        )
    if logit_scale is not None and not (_number(logit_scale) and 0 < logit_scale < math.inf):
        raise BadOptionError(f"logit_scale is a number above 0, got {logit_scale!r}.")


def _check_cosine(name: str, value: Any, compete: bool = True) -> None:
    if value is not None and not (compete and _number(value) and -1 <= value <= 1):
        among = "" if compete else ", and needs classes that compete"
        raise BadOptionError(
            f"{name} is compared with cosine similarities, so it lies in -1..1{among}; got {value!r}."
        )


def _check_grid(setup: DenseSetup) -> None:
    """Sizes that no image could be put on are refused before the first."""
    patch = setup.encoder.patch
    grid = grid_size((1, 1), patch, setup.side, setup.options.keep_ratio)
    WindowPlan.over(grid, patch, setup.options.window, setup.options.stride)


def _renumbered(labels: Labels, kept: NDArray[np.intp], classes: int) -> Labels:
    """Labels of some of the classes as labels of all; what is no class of them is background.

    Args:
        labels: indices into ``kept``.
        kept: indices of the classes that took part.
        classes: how many there are.
    """
    names = np.full(BACKGROUND + 1, BACKGROUND, dtype=np.uint16)
    names[: len(kept)] = kept
    if labels.confidence is None:
        return Labels(names[labels.labels], None)
    confidence = np.zeros(classes, dtype=np.float32)
    confidence[kept] = labels.confidence[: len(kept)]
    return Labels(names[labels.labels], confidence)


def _text_cautions(model: DualEncoder, classes: ClassList, text: Tensor) -> tuple[str, ...]:
    alike = [
        alike_caution(model, [classes.names[i] for i in group], "the first takes all their pixels")
        for group in read_alike(text, classes.owners)
    ]
    return (*unknown_caution(model, classes.texts), *alike)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _allowed(options: Mapping[str, Any], compete: bool) -> dict[str, Any]:
    """The options, unless one of them would be ignored."""
    for name in GROUND_ONLY:
        if name in options:
            raise BadOptionError(
                f"The option {name!r} is about one region per phrase; segment gives every pixel a "
                "label. Leave it out, or use ground."
            )
    for name in STANDALONE_ONLY:
        if name in options and compete:
            raise BadOptionError(
                f"The option {name!r} is for classes that do not compete. Leave it out, or add "
                "compete=False (--no-compete)."
            )
    return dict(options)


def _windowed(window: Window | None) -> dict[str, Any]:
    if window is None:
        return {}
    if isinstance(window, int):
        return {"window": window}
    if isinstance(window, tuple | list) and len(window) == 2:
        return {"window": window[0], "stride": window[1]}
    raise BadOptionError(f"window is a side in pixels or (side, stride), got {window!r}.")
