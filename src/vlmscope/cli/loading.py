"""Which model a command loads and how: one group of options, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.completion import model_names
from vlmscope.cli.console import note, own_stdout
from vlmscope.errors import BadOptionError, UnsupportedError

if TYPE_CHECKING:
    from vlmscope.evaluation.comparators import Detector
    from vlmscope.models import DualEncoder, LoadedModel, PatchTower
    from vlmscope.refine import Refiner

__all__ = [
    "Loading",
    "ModelName",
    "NamedDecoder",
    "SizedLoading",
    "TextEmbeddings",
    "TextTower",
    "named",
    "silence",
]

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Embedded id, hub id or folder.",
        rich_help_panel="Model",
        autocompletion=model_names,
    ),
]


TextEmbeddings = Annotated[
    str | None,
    typer.Option(
        "--text-embeddings",
        metavar="FILE",
        help="For an image tower: a safetensors file with a vector for each phrase.",
        show_default=False,
        rich_help_panel="Model",
    ),
]

TextTower = Annotated[
    str | None,
    typer.Option(
        "--text-tower",
        metavar="CLIP",
        help="For a model that answers in words: run its image tower with the texts of the CLIP or SigLIP "
        "that it comes from (hub id or folder).",
        show_default=False,
        rich_help_panel="Model",
        autocompletion=model_names,
    ),
]


@dataclass(frozen=True)
class Loading:
    """How a model is loaded, as options of a command; see :func:`vlmscope.load`.

    The methods load without the chatter of transformers and raise what :func:`vlmscope.load` and
    :func:`vlmscope.load_sam` raise.
    """

    panel: ClassVar[str] = "Model"

    dtype: Annotated[
        str | None,
        typer.Option(
            help="Of the weights: float32, float16, bfloat16, auto, or fast: bfloat16 where the device "
            "computes it natively, else float32.",
            show_default=False,
        ),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(
            help="cpu, cuda, cuda:1 ..., auto to spread (default: a GPU if there is one)."
        ),
    ] = None
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")] = None
    trust_remote_code: Annotated[
        bool,
        typer.Option("--trust-remote-code", help="Run code that comes with the checkpoint."),
    ] = False

    def model(
        self, name: str, text_embeddings: str | None = None, text_tower: str | None = None
    ) -> LoadedModel | DualEncoder:
        """A model of any kind; with the file of text embeddings that was named for it.

        Args:
            name: of the model.
            text_embeddings: a file for it, or for ``text_tower`` where that is named.
            text_tower: the CLIP or SigLIP whose texts its image tower gets; None: it stays what it is.

        Raises:
            BadOptionError: an empty name.
        """
        from vlmscope.models import load

        silence()
        keywords = self._keywords()
        given: dict[str, Any] = {}
        if text_embeddings is not None:
            given["text_embeddings"] = text_embeddings
        with own_stdout():
            loaded = load(named(name), **keywords, **({} if text_tower is not None else given))
            if text_tower is not None:
                loaded = self._with_texts(loaded, text_tower, given)
        self._say_dtype(loaded)
        return loaded

    def _with_texts(
        self, model: LoadedModel | DualEncoder, text_tower: str, given: dict[str, Any]
    ) -> DualEncoder:
        from vlmscope.models import vision_tower

        texts = named(text_tower)
        return vision_tower(model, texts, **given)  # type: ignore[arg-type]  # it refuses others itself

    def decoder(self, name: str) -> LoadedModel:
        """A model that has a text decoder, and so localization heads.

        Raises:
            UnsupportedError: a dual encoder such as CLIP.
        """
        from vlmscope.models import LoadedModel

        model = self.model(name)
        if not isinstance(model, LoadedModel):
            raise UnsupportedError(
                f"{name} has no text decoder, and so no localization heads. Take a model that "
                "answers in words, such as tiny-llava; see: vlmscope models"
            )
        return model

    def comparator(self, id: str, name: str) -> Detector:
        """A detector to compare with, on the same device; always in float32.

        Raises what :func:`vlmscope.evaluation.comparators.load` raises.
        """
        from vlmscope.evaluation.comparators import load

        silence()
        with own_stdout():
            return load(id, name, device=self.device)

    def refiner(self, name: str) -> Refiner:
        """A SAM, in the same dtype and on the same device."""
        from vlmscope.refine import load_sam

        silence()
        with own_stdout():
            return load_sam(name, dtype=self.dtype, device=self.device)

    def tower(self, name: str, revision: str | None = None) -> PatchTower:
        """A vision tower that knows no text, in the same dtype and on the same device."""
        from vlmscope.models import load_tower

        silence()
        with own_stdout():
            return load_tower(named(name), dtype=self.dtype, device=self.device, revision=revision)

    def patches(
        self, name: str, text_tower: str | None = None
    ) -> LoadedModel | DualEncoder | PatchTower:
        """A model of any kind, or a vision tower that knows no text, as its configuration says."""
        from vlmscope.models.encoders.patch_tower import is_tower
        from vlmscope.models.loading.sources import find_source

        with own_stdout():
            config = find_source(named(name), self.revision).config
        if text_tower is None and is_tower(config):
            return self.tower(name, self.revision)
        return self.model(name, text_tower=text_tower)

    def _say_dtype(self, model: LoadedModel | DualEncoder) -> None:
        """Which numbers ``fast`` stands for on this machine."""
        from vlmscope.models.loading.fast_dtype import FAST, fast_dtype

        if self.dtype == FAST:
            kept = f", but its weights stay {model.card.quantisation}" * bool(
                model.card.quantisation
            )
            note(f"--dtype fast: {fast_dtype(model.device)[1]}{kept}")

    def _keywords(self) -> dict[str, Any]:
        """Arguments of :func:`vlmscope.load`."""
        return {
            "dtype": self.dtype,
            "device": self.device,
            "revision": self.revision,
            "trust_remote_code": self.trust_remote_code,
        }


@dataclass(frozen=True)
class SizedLoading(Loading):
    """The same for commands whose models answer in words: these take fewer tokens of a smaller image."""

    max_side: Annotated[
        int | None,
        typer.Option(
            help="Make larger images smaller first, to so many pixels: fewer image tokens."
        ),
    ] = None

    def _keywords(self) -> dict[str, Any]:
        return {**super()._keywords(), "max_side": self.max_side}


@dataclass(frozen=True)
class NamedDecoder:
    """The model of a command that needs one which answers in words: an argument or an option."""

    panel: ClassVar[str] = "Model"

    name: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="Embedded id, hub id or folder; tiny-llava if none is named.",
            show_default=False,
            autocompletion=model_names,
        ),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="The same, as an option.",
            autocompletion=model_names,
        ),
    ] = None

    @property
    def id(self) -> str:
        """The one that was named; tiny-llava if none was.

        Raises:
            BadOptionError: two different ones, or an empty name.
        """
        if self.name is not None and self.model is not None and self.name != self.model:
            raise BadOptionError(f"Two models were named, {self.name} and {self.model}. Name one.")
        chosen = self.model if self.name is None else self.name
        return "tiny-llava" if chosen is None else named(chosen)


def named(model: str) -> str:
    """The name of a model; one without a character, as an unset variable gives it, is refused.

    Raises:
        BadOptionError: an empty name.
    """
    if not model.strip():
        raise BadOptionError(
            f"The name of the model is empty, got {model!r}. Give an embedded id such as tiny-llava, "
            "a hub id or a folder; see: vlmscope models"
        )
    return model


def silence() -> None:
    """No chatter of transformers in this process, which is the command's own."""
    from transformers.utils import logging

    # a library must not do this
    logging.set_verbosity_error()
    logging.disable_progress_bar()
