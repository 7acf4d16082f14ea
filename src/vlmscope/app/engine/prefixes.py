"""Images that phrases were asked of lately, as the model has read them: a further phrase is a short pass."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.attention import FittedImage, SharedPrefix, shared_prefix
from vlmscope.models import LoadedModel
from vlmscope.models.kept_keys import kept_numbers

__all__ = ["PrefixKeeper"]

_BYTES = 2 << 30  # of the caches of all images but the newest
_MOST = 8  # images


@dataclass(eq=False)
class _Kept:
    """One image.

    Attributes:
        fitted: as the model takes it.
        prefixes: by (preset, placement).
    """

    fitted: FittedImage
    prefixes: dict[tuple[str, str | None], SharedPrefix] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return sum(_bytes_of(each) for each in self.prefixes.values())


class PrefixKeeper:
    """The images of one model. Only its own thread uses it."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def fitted(self, picture: StoredPicture) -> FittedImage:
        """The picture as the model takes it, made once."""
        return self._of(picture).fitted

    def prefix(
        self, picture: StoredPicture, preset: str | None, placement: str | None
    ) -> SharedPrefix | None:
        """The picture in the model's cache, down to the last layer; None: the family cannot share it.

        It is filled by the first phrase that is read on it.
        """
        if not self._model.family.causal_image:
            return None
        kept = self._of(picture)
        place = (self._model.resolve_preset(preset), placement)
        if place not in kept.prefixes:
            kept.prefixes[place] = shared_prefix(
                self._model,
                kept.fitted.pixels,
                preset=place[0],
                placement=placement,
                stop_after=self._model.decoder_shape[0] - 1,
                image=kept.fitted.inputs(placement),
            )
        return kept.prefixes[place]

    def _of(self, picture: StoredPicture) -> _Kept:
        if picture.id not in self._kept:
            self._kept[picture.id] = _Kept(FittedImage(self._model, picture.opened.pixels))
            self._make_room()
        self._kept.move_to_end(picture.id)
        return self._kept[picture.id]

    def _make_room(self) -> None:
        """The newest always stays."""
        while len(self._kept) > 1 and (
            len(self._kept) > _MOST or sum(each.weight for each in self._kept.values()) > _BYTES
        ):
            self._kept.popitem(last=False)


def _bytes_of(prefix: SharedPrefix) -> int:
    """Keys and values of all its layers; 0 before it is filled."""
    model = prefix.model
    numbers = sum(kept_numbers(model.decoder.config, layer) for layer in model.row_layers)
    return numbers * prefix.length * model.dtype.itemsize
