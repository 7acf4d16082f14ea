"""``segment``: which of these classes is every pixel?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.data.classes import ClassList
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import UnsupportedError
from vlmscope.methods.encoder.background_words import BackgroundWords
from vlmscope.methods.encoder.defaults import default_presence_rule
from vlmscope.methods.encoder.method import describe
from vlmscope.methods.encoder.pixel_adaptive import class_scores
from vlmscope.methods.encoder.presence_rules import PRESENCE_RULES, class_presence
from vlmscope.methods.encoder.protocols import (
    FREE,
    SegmentationProtocol,
    background_of,
    find_protocol,
)
from vlmscope.methods.encoder.seen import SeenImage, protocol_labels
from vlmscope.methods.encoder.similarity import DenseSetup, Similarity, best_of_each, compare
from vlmscope.methods.encoder.text_cache import kept_embeddings
from vlmscope.methods.grounder import ground_options
from vlmscope.methods.sam_votes import SamVotes
from vlmscope.methods.segment_options import (
    GROUND_ONLY,
    STANDALONE_ONLY,
    Window,
    allowed,
    check_classes,
    check_cosine,
    check_grid,
    check_presence,
    chosen_method,
    dense_method,
    ruled_background,
    text_cautions,
    windowed,
    with_background_words,
)
from vlmscope.models import DualEncoder, LoadedModel, PatchTower
from vlmscope.models.guard import check_model
from vlmscope.post import Labels, Regions, competing_labels, standalone_labels, vote
from vlmscope.post.labels import renumbered
from vlmscope.refine import AutomaticOptions, Refiner
from vlmscope.results import Segmentation
from vlmscope.types import BACKGROUND, TokenMap

__all__ = ["GROUND_ONLY", "STANDALONE_ONLY", "Segmenter", "dense_method", "segment", "segmenter"]


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
        protocol: what fixes how an image is seen and a pixel gets its class.
        beside: words that compete with the classes, and what they take is background; or None.
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
    protocol: SegmentationProtocol = FREE
    beside: BackgroundWords | None = None

    def __call__(self, image: ImageSource | OpenedImage) -> Segmentation:
        """Segment one image.

        Raises:
            BadImageError: an image that cannot be read.
            BadOptionError: an image that becomes more patches than can be attended.
        """
        setup = self.setup
        pixels = open_image(image).pixels
        seen = SeenImage([setup], pixels) if self.protocol.fixed else None
        similarity, others = self._compared(seen, pixels)
        owners, count = self.classes.owners, len(self.classes)
        scores = best_of_each(similarity.patches, owners, count).numpy()
        logit_scale = setup.encoder.family.logit_scale(setup.encoder.hf)
        presences = class_presence(
            similarity, owners, count, self.presence_rule, logit_scale
        ).numpy()
        if seen is None:
            labels = self._labels(similarity.token_map, scores, presences, others, pixels)
        else:
            labels = self._labels_by_protocol(seen, pixels)
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
                *self.method_cautions,
                *similarity.token_map.picture_notes,
            ),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was tidied up of the classes."""
        return self.classes.notes

    def names(self, records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """The classes of a whole run, whatever its records hold."""
        return self.classes.names

    @property
    def method_cautions(self) -> tuple[str, ...]:
        """What to know of the method on this model; every result says it."""
        return self.setup.method.cautions(self.setup.encoder, self.setup.options)

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
            **self.setup.method.record(),
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
            **({} if self.beside is None else {"background_words": list(self.beside.words)}),
            **({} if self.votes is None else {"refined": self.votes.record}),
            **({"protocol": self.protocol.to_dict()} if self.protocol.fixed else {}),
        }

    def _compared(
        self, seen: SeenImage | None, pixels: NDArray[np.uint8]
    ) -> tuple[Similarity, NDArray[np.float32] | None]:
        """The image against the classes' texts; of every patch (patches, 1) the best other word."""
        if seen is not None:
            return seen.similarity(0, self.text), None
        if self.beside is None:
            return compare(self.setup, pixels, self.text), None
        every = compare(self.setup, pixels, torch.cat([self.text, self.beside.text]))
        return self.beside.apart(every)

    def _labels_by_protocol(self, seen: SeenImage, pixels: NDArray[np.uint8]) -> Labels:
        names, owners = self.classes.names, self.classes.owners
        background = background_of(names)
        masks = None if self.votes is None else (each.mask for each in self.votes.masks(pixels))
        return protocol_labels(
            seen, 0, self.protocol, self.text, owners, len(names), background, masks
        )

    def _labels(
        self,
        token_map: TokenMap,
        scores: NDArray[np.float32],
        presences: NDArray[np.float32],
        others: NDArray[np.float32] | None,
        pixels: NDArray[np.uint8],
    ) -> Labels:
        least = -math.inf if self.least_presence is None else self.least_presence
        kept = np.flatnonzero(presences >= least)
        if not len(kept):
            nothing = np.full(token_map.image_size, BACKGROUND, dtype=np.uint16)
            return Labels(nothing, np.zeros(len(presences), np.float32) if self.compete else None)
        options = self.setup.options
        some = scores[:, kept]
        if others is not None:  # behind the last class comes the background
            some = np.concatenate([some, others], axis=1)
        where, some = class_scores(token_map, some, pixels, options)
        if not self.compete:
            chosen = standalone_labels(where, some, options, self._regions(where, some, pixels))
            return renumbered(chosen, kept, len(presences))
        if self.least_score is not None:  # the background is a rival of that score everywhere
            some = np.column_stack([some, np.full(len(some), self.least_score, some.dtype)])
        regions = self._regions(where, some, pixels)
        chosen = competing_labels(where, some, self.logit_scale, self.background, regions)
        return renumbered(chosen, kept, len(presences))

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
    method: str | None = None,
    *,
    compete: bool = True,
    background: float | None = None,
    least_presence: float | None = None,
    least_score: float | None = None,
    window: Window | None = None,
    logit_scale: float | None = None,
    refine: Refiner | None = None,
    refine_masks: AutomaticOptions | None = None,
    presence_rule: str | None = None,
    background_words: bool | None = None,
    protocol: str | SegmentationProtocol = "free",
    text_cache: bool = True,
    proxy: PatchTower | None = None,
    **options: Any,
) -> Segmentation:
    """Give every pixel of an image one of the classes.

    Scores are compared on original pixels, painted bilinearly from the patch grid.

    Args:
        model: a dual encoder (CLIP, SigLIP, BLIP, or a ViT classifier with its labels).
        image: path, bytes, PIL image or uint8 array (height, width, 3).
        classes: ``"a, b, c"``, a text file, a list or a mapping; see :class:`ClassList`.
        method: id of a dense method; default: ``sc-clip`` on CLIPs wider than 512, else ``gem``.
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
        presence_rule: how presence is told: ``mean``, or ``rivals``, among the other classes, the default
            on CLIPs wider than 512; see :mod:`vlmscope.methods.encoder.presence_rules`.
        background_words: True: words of what fills pictures (sky, wall, grass) compete with the classes,
            and what they take is background; False: every pixel gets a class, as published. Default:
            True on CLIPs wider than 512, unless something else here says what is background.
        protocol: ``free``: the arguments here decide. ``gem`` or ``field``: all that a published
            protocol fixes (:mod:`vlmscope.methods.encoder.protocols`); ``field@voc21`` with the
            constants of a data set. The class ``background``, if there is one, is its background.
        text_cache: keep embeddings of texts under several templates on disk, in ``texts`` of
            ``$VLMSCOPE_HOME``, and take them from there.
        proxy: a tower from :func:`vlmscope.load_tower`, for ``proxyclip``.
        **options: of the method.

    Raises:
        BadImageError: an image that cannot be read.
        BadPhraseError: no class, or a class list that contradicts itself.
        BadOptionError: a value out of range, one class alone where classes compete, or an option
            that contradicts the protocol.
        UnknownNameError: an unknown method, option or protocol, or a class that a classifier has no
            label for.
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
        background_words=background_words,
        protocol=protocol,
        text_cache=text_cache,
        proxy=proxy,
        **options,
    )
    return ready(image)


def segmenter(
    model: LoadedModel | DualEncoder,
    classes: Any,
    method: str | None = None,
    *,
    compete: bool = True,
    background: float | None = None,
    least_presence: float | None = None,
    least_score: float | None = None,
    window: Window | None = None,
    logit_scale: float | None = None,
    refine: Refiner | None = None,
    refine_masks: AutomaticOptions | None = None,
    presence_rule: str | None = None,
    background_words: bool | None = None,
    protocol: str | SegmentationProtocol = "free",
    text_cache: bool = True,
    proxy: PatchTower | None = None,
    **options: Any,
) -> Segmenter:
    """Check everything and embed the classes once, for many images. Arguments: :func:`segment`."""
    check_model(model)
    if method is not None:
        dense_method(method, proxy)  # a wrong name is said whatever the model
    if not isinstance(model, DualEncoder):
        raise UnsupportedError(
            f"segment needs a dual encoder such as CLIP, and {model.id} is none. Use `ground` with "
            "it, one phrase per class."
        )
    chosen = chosen_method(model, method, proxy)
    listed = ClassList.of(classes)
    check_classes(listed, compete, background, logit_scale)
    check_cosine("least_presence", least_presence)
    check_cosine("least_score", least_score, compete)
    rule = default_presence_rule(model, compete) if presence_rule is None else presence_rule
    check_presence(rule, least_presence)
    ruled = find_protocol(protocol) if isinstance(protocol, str) else protocol
    options = {**allowed(options, compete), **windowed(window)}
    decisions = {
        "background": background,
        "least_presence": least_presence,
        "least_score": least_score,
        "logit_scale": logit_scale,
    }
    given = {name: value for name, value in decisions.items() if value is not None}
    ruled.check({**options, **given, "compete": compete})
    if ruled.fixed:
        background, logit_scale = ruled_background(ruled, listed), ruled.logit_scale
    decided = {**ruled.defaults, **options, **ruled.options, "compete": compete}
    settings = ground_options(chosen, model, decided)
    chosen.check_texts(len(listed.texts), settings)
    votes = SamVotes.of(refine, refine_masks)
    setup = DenseSetup(chosen, model, settings)
    check_grid(setup, ruled)
    scale = model.family.logit_scale(model.hf) if logit_scale is None else float(logit_scale)
    text = kept_embeddings(model, listed.texts, settings.templates, keep=text_cache)
    limited = background is not None or least_score is not None
    words = with_background_words(background_words, model, listed, compete, ruled, limited)
    kept = (model, listed.texts, settings.templates, text_cache)
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
        text_cautions(model, listed, text),
        votes,
        rule,
        ruled,
        BackgroundWords.beside(*kept) if words else None,
    )
