"""A SAM that gives Groundings better masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch

from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadOptionError, ModelMismatchError
from vlmscope.models.guard import frozen
from vlmscope.models.loading.identity import revision_of
from vlmscope.refine.embedding import Embedded, digest_of, prepare
from vlmscope.refine.frame import Frame, RefinedMask, check_finite, refined_masks
from vlmscope.refine.kinds import SamKind, kind_of_model
from vlmscope.refine.mask_prompts import mask_tensor
from vlmscope.refine.options import RefineOptions
from vlmscope.refine.prompts import (
    Subject,
    check_prompt,
    missing_prompt,
    point_tensors,
    prompt_tensors,
)
from vlmscope.results import Grounding
from vlmscope.types import tight_box

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Refiner"]


# an object costs the decoder tens of megabytes, so a long list goes in pieces
_OBJECTS_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Refiner:
    """A loaded SAM; :func:`vlmscope.load_sam` and :meth:`wrap` make one. It keeps no state.

    Attributes:
        name: hub id, folder, or what it was wrapped as.
        revision: commit on the hub, digest of the folder, or None.
        kind: its generation.
        hf: the model of transformers.
        images: its image processor.
    """

    name: str
    revision: str | None
    kind: SamKind
    hf: Any = field(repr=False)
    images: Any = field(repr=False)

    @classmethod
    def wrap(
        cls,
        hf_model: PreTrainedModel,
        processor: Any,
        *,
        name: str | None = None,
        revision: str | None = None,
    ) -> Refiner:
        """Wrap a SAM and its processor that the user already holds; neither is changed.

        Args:
            hf_model: ``SamModel``, ``Sam2Model`` or ``Sam3TrackerModel``, anywhere, in any dtype.
            processor: the processor or the image processor that belongs to it.
            name: id for records; default: what the model says of itself.
            revision: for records; default: as for :func:`vlmscope.from_pretrained_model`.

        Raises:
            UnsupportedError: anything that is no SAM, or one for videos.
            ModelMismatchError: no image processor, or one of another image size than the model's.
        """
        config = getattr(hf_model, "config", None)
        title = name or getattr(config, "_name_or_path", "") or type(hf_model).__name__
        kind = kind_of_model(hf_model, title)
        images = getattr(processor, "image_processor", processor)
        if not callable(images) or not hasattr(images, "size"):
            raise ModelMismatchError(
                f"{title} needs its image processor to prepare images, got "
                f"{type(processor).__name__}. Load it with AutoImageProcessor."
            )
        # says now, not at the first image, whether the sizes agree
        prepare(title, hf_model, images, np.zeros((8, 8, 3), np.uint8))
        return cls(title, revision or revision_of(hf_model), kind, hf_model, images)

    @overload
    def refine(
        self,
        groundings: Grounding,
        prompt: str = ...,
        *,
        multimask: bool = ...,
        tight_box: bool = ...,
        embedded: Embedded | None = ...,
    ) -> Grounding: ...

    @overload
    def refine(
        self,
        groundings: Sequence[Grounding],
        prompt: str = ...,
        *,
        multimask: bool = ...,
        tight_box: bool = ...,
        embedded: Embedded | None = ...,
    ) -> list[Grounding]: ...

    def refine(
        self,
        groundings: Grounding | Sequence[Grounding],
        prompt: str = "box",
        *,
        multimask: bool = True,
        tight_box: bool = False,
        embedded: Embedded | None = None,
    ) -> Grounding | list[Grounding]:
        """Give Groundings the masks that SAM draws for their boxes, points or masks.

        Every image among them is embedded once, however many phrases it has. All else of a
        Grounding stays: the heat map, the score and the peak are the method's.

        Args:
            groundings: one, or several, of one image or of many.
            prompt: ``box``, ``point`` (the peak), ``both``, or ``mask``: the method's own mask, as
                logits of SAM's low resolution.
            multimask: let SAM give several masks (whole, part, subpart) and take the one that it
                rates best; False: its single mask, which it was trained to give for prompts that
                leave no doubt.
            tight_box: put the box around the refined mask; else it stays the method's.
            embedded: the image after :meth:`embed`, to spare doing it again.

        Returns:
            One Grounding for one, a list in the same order for a sequence. ``details["refined"]``
            holds the model, the prompt, the IoU that SAM predicts for its mask and which of its
            masks was taken. A Grounding without the box or point that is asked for, or whose mask is
            empty where the mask is, keeps its mask, gets a warning, and costs nothing.

        Raises:
            UnknownNameError: an unknown prompt.
            BadOptionError: something that is no Grounding, a box outside its image, a mask of
                another size than it, an embedding of another image or model.
            BadImageError: an image too narrow for SAM.
            UnsupportedError: a model whose half precision overflows.
        """
        options = RefineOptions(prompt, multimask, tight_box)
        sources = [groundings] if isinstance(groundings, Grounding) else _checked(groundings)
        results = [
            _unrefined(grounding, missing_prompt(grounding, prompt)) for grounding in sources
        ]
        for digest, places in _by_image(sources, prompt).items():
            if embedded is not None:
                self._check_own(embedded, digest)
            image = embedded or self.embed(sources[places[0]].image)
            masks = self._masks([sources[place] for place in places], options, image)
            for place, mask in zip(places, masks, strict=True):
                results[place] = self._refined(sources[place], mask, options)
        return results[0] if isinstance(groundings, Grounding) else results

    def embed(self, image: ImageSource | OpenedImage) -> Embedded:
        """Run SAM's image encoder, by far its most expensive part, once.

        Args:
            image: path, bytes, PIL image or uint8 array (height, width, 3).

        Raises:
            BadImageError: an image that cannot be read, or is too narrow for SAM.
            ModelMismatchError: the processor makes images of another size than the model takes.
        """
        pixels = open_image(image).pixels
        values, frame = prepare(self.name, self.hf, self.images, pixels)
        weight = next(self.hf.vision_encoder.parameters())
        with frozen(self.hf):
            features = self.hf.get_image_embeddings(values.to(weight.device, weight.dtype))
        return Embedded(self.name, digest_of(pixels), frame, features)

    def draw(
        self,
        embedded: Embedded,
        subjects: Sequence[Subject],
        prompt: str = "box",
        *,
        multimask: bool = True,
    ) -> list[RefinedMask | None]:
        """The bare masks that SAM draws in an image after :meth:`embed`.

        Args:
            embedded: the image.
            subjects: what is drawn, in that image; Groundings are some.
            prompt: as for :meth:`refine`.
            multimask: as for :meth:`refine`.

        Returns:
            One for each subject; None for one without the box, the point or the mask asked for.

        Raises:
            UnknownNameError: an unknown prompt.
            BadOptionError: a box or point outside the image, a mask of another size than it, an
                embedding by another model.
            UnsupportedError: a model whose half precision overflows.
        """
        options = RefineOptions(prompt, multimask)
        self._check_maker(embedded)
        able = [self.can_draw(each, prompt) for each in subjects]
        drawn = [each for each, can in zip(subjects, able, strict=True) if can]
        for each in drawn:
            check_prompt(each, prompt)
        masks = self._masks(drawn, options, embedded)
        return [next(masks) if can else None for can in able]

    def at_points(
        self, embedded: Embedded, points: Sequence[tuple[float, float]]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All masks that SAM gives for points, each point by itself, some points at a time.

        Args:
            embedded: the image.
            points: (x, y) in pixels of the image.

        Yields:
            Of some of the points, in order: logits float (points, masks, height, width) over the whole
            canvas, and the IoU that SAM predicts for each mask, float32 (points, masks).

        Raises:
            BadOptionError: an embedding by another model.
            UnsupportedError: a model whose half precision overflows.
        """
        self._check_maker(embedded)
        weight = next(self.hf.mask_decoder.parameters())
        features = _in_dtype(embedded.features, weight.dtype)
        for start in range(0, len(points), _OBJECTS_AT_ONCE):
            some = points[start : start + _OBJECTS_AT_ONCE]
            prompts = point_tensors(some, embedded.frame, weight.device)
            with frozen(self.hf):
                output = self.hf(image_embeddings=features, multimask_output=True, **prompts)
            logits, scores = (
                output.pred_masks.flatten(0, 1),
                output.iou_scores.flatten(0, 1).float(),
            )
            check_finite(self.name, logits, scores)
            yield logits, scores

    def can_draw(self, subject: Subject, prompt: str) -> bool:
        """Whether a subject has the box, the point or the mask that is to prompt SAM."""
        return missing_prompt(subject, prompt) is None

    def _check_maker(self, embedded: Embedded) -> None:
        if embedded.model != self.name:
            raise BadOptionError(
                f"The embedding was made by {embedded.model}, not by {self.name}. Make it anew."
            )

    def _check_own(self, embedded: Embedded, digest: str) -> None:
        self._check_maker(embedded)
        if embedded.digest != digest:
            raise BadOptionError(
                "The embedding is of another image than the Groundings. Embed theirs, or leave "
                "embedded out."
            )

    def _masks(
        self, subjects: Sequence[Subject], options: RefineOptions, image: Embedded
    ) -> Iterator[RefinedMask]:
        """SAM's masks for subjects of one image; none of them lacks its prompt."""
        weight = next(self.hf.mask_decoder.parameters())
        features = _in_dtype(image.features, weight.dtype)
        for start in range(0, len(subjects), _OBJECTS_AT_ONCE):
            some = subjects[start : start + _OBJECTS_AT_ONCE]
            prompts, embedding = self._prompts(some, options.prompt, image.frame), features
            if "input_masks" in prompts:
                embedding = _for_each(features, len(some))
            with frozen(self.hf):
                output = self.hf(
                    image_embeddings=embedding,
                    multimask_output=options.multimask,
                    **prompts,
                )
            yield from refined_masks(self.name, output, image.frame)

    def _prompts(
        self, subjects: Sequence[Subject], prompt: str, frame: Frame
    ) -> dict[str, torch.Tensor]:
        """What prompts the model, as keywords of its forward pass."""
        if prompt == "mask":
            return {"input_masks": mask_tensor(subjects, frame, self.hf.prompt_encoder)}
        device = next(self.hf.mask_decoder.parameters()).device
        return prompt_tensors(subjects, prompt, frame, device)

    def _refined(
        self, grounding: Grounding, refined: RefinedMask, options: RefineOptions
    ) -> Grounding:
        box = tight_box(refined.mask) if options.tight_box else None
        record = {
            "model": self.name,
            "revision": self.revision,
            "kind": self.kind.id,
            "prompt": options.prompt,
            "predicted_iou": refined.score,
            "chosen": refined.chosen,
            "masks": refined.count,
            "box": "method" if box is None else "mask",
        }
        warnings = grounding.warnings
        if not refined.mask.any():
            warnings = (*warnings, f"SAM's mask of {grounding.phrase!r} is empty.")
        return replace(
            grounding,
            mask=refined.mask,
            box=box or grounding.box,
            details={**grounding.details, "refined": record},
            warnings=warnings,
        )


def _unrefined(grounding: Grounding, lacking: str | None) -> Grounding:
    """The same with a warning when it lacks what would prompt SAM."""
    if lacking is None:
        return grounding
    text = f"The mask of {grounding.phrase!r} is not refined: there is no {lacking} to prompt SAM with."
    return replace(grounding, warnings=(*grounding.warnings, text))


def _in_dtype(features: Any, dtype: torch.dtype) -> Any:
    if isinstance(features, torch.Tensor):
        return features.to(dtype)
    return [level.to(dtype) for level in features]


def _for_each(features: Any, count: int) -> Any:
    """The embedding of an image as often as there are objects, without a copy."""
    if isinstance(features, torch.Tensor):
        return features.expand(count, -1, -1, -1)
    return [level.expand(count, -1, -1, -1) for level in features]


def _checked(groundings: Any) -> list[Grounding]:
    if not isinstance(groundings, Sequence) or isinstance(groundings, str | bytes):
        raise BadOptionError(
            f"refine takes a Grounding or a list of them, got {type(groundings).__name__}."
        )
    for grounding in groundings:
        if not isinstance(grounding, Grounding):
            raise BadOptionError(
                f"refine takes Groundings, got a {type(grounding).__name__} in a list."
            )
    return list(groundings)


def _by_image(groundings: Sequence[Grounding], prompt: str) -> dict[str, list[int]]:
    """The places of the Groundings of each image that can prompt SAM; equal pixels, same image."""
    digests: dict[int, str] = {}  # phrases of one call share one array: it is read once
    places: dict[str, list[int]] = {}
    for place, grounding in enumerate(groundings):
        if missing_prompt(grounding, prompt) is not None:
            continue
        check_prompt(grounding, prompt)  # all of them before the first image is embedded
        key = id(grounding.image)
        if key not in digests:
            digests[key] = digest_of(grounding.image)
        places.setdefault(digests[key], []).append(place)
    return places
