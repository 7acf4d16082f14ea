"""``vlmscope ground --hidden``: a request that a serving engine has run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from vlmscope.cli.console import own_stdout
from vlmscope.cli.ground_formats import form_of
from vlmscope.cli.ground_output import GroundOutput
from vlmscope.cli.ground_results import of_groundings
from vlmscope.cli.ground_run import GroundRun
from vlmscope.cli.loading import silence
from vlmscope.cli.pictures import sort_words
from vlmscope.cli.places import image_argument
from vlmscope.errors import BadOptionError

__all__ = ["Served", "check_words"]


@dataclass(frozen=True)
class Served:
    """What a serving engine has left, as options of the command."""

    panel: ClassVar[str] = "Input"

    hidden: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Hidden states that a serving engine wrote (safetensors): nothing is run, see --request.",
            show_default=False,
        ),
    ] = None
    request: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help="What was asked of the engine: model, prompt, picture, and which tensor of --hidden is "
            "the input of which layer.",
            show_default=False,
        ),
    ] = None

    @property
    def named(self) -> bool:
        """Whether hidden states are to be read.

        Raises:
            BadOptionError: a file without its request, or a request without its file.
        """
        if (self.hidden is None) != (self.request is None):
            there, lacking = ("--hidden", "--request") if self.hidden else ("--request", "--hidden")
            raise BadOptionError(f"{there} goes with {lacking}, which is not there. Give both.")
        return self.hidden is not None

    def run(
        self,
        words: Sequence[str],
        foreign: Mapping[str, Any],
        settings: dict[str, Any],
        output: GroundOutput,
        max_pixels: int,
    ) -> int:
        """Ground the request; the exit code.

        Args:
            words: nothing, the picture, or the picture and the part of the prompt that is meant.
            foreign: options that have no place here, with what was given for them.
            settings: of localization heads.
            output: where the result goes.
            max_pixels: larger pictures are refused.

        Raises:
            BadOptionError: an option that has no place here, or too many words.
        """
        from vlmscope.methods.served import ServedRequest, ServedStates, ground_served

        self._check(words, foreign, settings)
        assert self.request is not None and self.hidden is not None
        request = ServedRequest.read(self.request)
        if len(words) > 1:
            request = request.asking(words[1])
        states = ServedStates.open(self.hidden)
        start, end = request.prompt.span
        image = str(request.image) if not words else words[0]
        pictures, texts = sort_words([image], [request.prompt.text[start:end]])
        if not pictures.alone:
            raise BadOptionError(f"A request is of one picture, got {image!r}: name its file.")
        form = form_of(output, True, texts)
        output.check(True)
        silence()

        def look(opened: Any) -> Any:
            with own_stdout():
                found = ground_served(request, states, opened, **settings)
            return of_groundings(output, [found])

        run = GroundRun(look, pictures, output, form, max_pixels)
        return run.one(image_argument(image, max_pixels))

    def _check(
        self, words: Sequence[str], foreign: Mapping[str, Any], settings: dict[str, Any]
    ) -> None:
        given = [name for name, value in foreign.items() if value is not None]
        if given:
            raise BadOptionError(
                f"{given[0]} has no place beside --hidden: the engine has run the model, and --request says "
                "how. Leave it out."
            )
        if len(words) > 2:
            raise BadOptionError(
                f"With --hidden there is one picture and one phrase at most, got {len(words)} words: "
                f"{', '.join(map(repr, words))}."
            )


def check_words(words: Sequence[str]) -> None:
    """Refuse a command without a picture.

    Raises:
        BadOptionError: there is no word at all.
    """
    if not words:
        raise BadOptionError(
            'Say where and what to look for: vlmscope ground photo.jpg "a red circle". What a serving '
            "engine has run is read by --hidden and --request. See: vlmscope ground --help"
        )
