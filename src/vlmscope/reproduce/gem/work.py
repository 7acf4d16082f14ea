"""The steps for one model, with what each costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from vlmscope.data.datasets import Dataset
from vlmscope.data.resume import SampleLog, measured
from vlmscope.errors import BadImageError, BadSampleError
from vlmscope.methods.encoder.texts import alike_caution, read_alike, unknown_caution
from vlmscope.models import DualEncoder
from vlmscope.models.encoders.patches import grid_size
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.gem.images import Lens
from vlmscope.reproduce.gem.outcomes import ModelOutcome
from vlmscope.reproduce.gem.settings import Settings
from vlmscope.reproduce.gem.spectra import spectral_norms
from vlmscope.reproduce.gem.ways import GEM
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.pace import Pace
from vlmscope.reproduce.steps import Step
from vlmscope.version import __version__

__all__ = ["ModelWork"]

_SPECTRA, _IMAGES = "spectra", "images"


@dataclass(frozen=True, eq=False)
class ModelWork:
    """Everything that is done with one model.

    Attributes:
        encoder: the model.
        data: the images' set.
        settings: how they are seen and scored.
        limit: only so many of them.
        progress: show a bar.
    """

    encoder: DualEncoder
    data: Dataset
    settings: Settings
    limit: int | None
    progress: bool

    @cached_property
    def lens(self) -> Lens:
        """What measures an image."""
        return Lens(self.encoder, self.data, self.settings)

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The images, in order."""
        return tuple(self.data.image_ids)[: self.limit]

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of patches of every image."""
        patch = self.encoder.patch
        return grid_size((self.lens.side, self.lens.side), patch, self.lens.side, keep_ratio=False)

    @property
    def header(self) -> dict[str, Any]:
        """What has to be the same for results to be put together."""
        return {
            "job": "gem",
            "version": __version__,
            "model": self.encoder.id,
            "revision": self.encoder.revision,
            "dtype": str(self.encoder.dtype),
            "data": self.data.digest,
            "words": self.data.words.digest,
            "limit": self.limit,
            "settings": {way.id: asdict(way.options) for way in self.lens.ways},
            **asdict(self.settings),
        }

    def steps(self) -> list[Step]:
        """The weights, then the images."""
        count, tower = len(self.image_ids), len(self.encoder.blocks)
        dense = sum(way.blocks(tower) for way in self.lens.ways)
        title = f"{len(self.lens.ways)} settings, {dense} dense blocks beside each pass of {tower}"
        rows, columns = self.grid
        cost = Cost(len(self.lens.texts), count, count, count * rows * columns)
        return [
            Step(_SPECTRA, "spectral norms of the weights", Cost(), self._spectra),
            Step(_IMAGES, title, cost, self._images),
        ]

    def outcome(self, kept: KeptResults, costs: tuple[tuple[str, Cost], ...]) -> ModelOutcome:
        """What finished steps come to."""
        images = kept[_IMAGES]
        return ModelOutcome(
            model=self.encoder.id,
            stated=self._stated,
            ways=[
                {"id": w.id, "group": w.group, "title": w.title, "place": w.place}
                for w in self.lens.ways
            ],
            records=images["records"],
            norms=kept[_SPECTRA],
            costs=costs,
            notes=self._notes,
            skipped=tuple(images["skipped"]),
            seed=self.settings.seed,
        )

    def _spectra(self, kept: KeptResults, pace: Pace) -> list[dict[str, list[float]]]:
        return spectral_norms(self.encoder)

    def _images(self, kept: KeptResults, pace: Pace) -> dict[str, Any]:
        log = SampleLog(kept.state_file(_IMAGES), self.header)
        tokens = self.grid[0] * self.grid[1]
        pace.passed_over(tokens * sum(image in log for image in self.image_ids))

        def measure(image_id: str) -> dict[str, Any]:
            record = self.lens.measure(self.data.load(image_id))
            pace.computed(tokens)
            return record

        done = measured(
            self.image_ids,
            log,
            measure,
            key=str,
            title="images",
            progress=self.progress,
            bad=(BadImageError, BadSampleError),
        )
        skipped = [f"image {image_id}: {reason}" for image_id, reason in done.skipped]
        if not done.ids:
            raise BadSampleError(
                f"None of the {len(skipped)} images can be used. The first: {skipped[0]}"
            )
        return {"records": {id: _without_id(log[id]) for id in done.ids}, "skipped": skipped}

    @cached_property
    def _stated(self) -> dict[str, Any]:
        encoder = self.encoder
        return {
            "revision": encoder.revision,
            "family": encoder.family.id,
            "dtype": str(encoder.dtype).removeprefix("torch."),
            "device": str(encoder.device),
            "quantisation": encoder.card.quantisation,
            "patch": encoder.patch,
            "side": self.lens.side,
            "grid": list(self.grid),
            "blocks": len(encoder.blocks),
            "depth": self.lens.depth,
            "published setting": asdict(self.lens.ways[0].options),
        }

    @property
    def _notes(self) -> tuple[str, ...]:
        """What to know of the model and its words."""
        published = next(way for way in self.lens.ways if way.id == GEM)
        concepts = self.lens.vocabulary.concepts
        owners = [index for index, texts in enumerate(concepts) for _ in texts]
        labels = self.data.words.labels
        alike = read_alike(self.lens.text, owners)
        return (
            *published.method.cautions(self.encoder, published.options),
            *unknown_caution(self.encoder, self.lens.texts),
            *(
                alike_caution(self.encoder, [labels[i] for i in each], "the first takes all pixels")
                for each in alike
            ),
        )


def _without_id(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "id"}
