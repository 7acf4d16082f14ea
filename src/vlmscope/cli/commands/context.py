"""``vlmscope context``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, Resume, report_skipped, typed
from vlmscope.errors import BadOptionError

__all__ = ["command"]

_DEFAULT_SAMPLES = "tiny-scenes:20"


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.context.options import ContextOptions

    return with_options(context, ContextOptions)


@dataclass(frozen=True)
class Asked:
    """What is asked: a list of questions, or MME."""

    panel: ClassVar[str] = "Input"

    samples: Annotated[
        str | None,
        typer.Option(
            help='A JSON-lines file with {"image": ..., "question": ...} rows, or tiny-scenes:N[:KIND]. '
            f"Default: {_DEFAULT_SAMPLES}.",
            show_default=False,
        ),
    ] = None
    mme: Annotated[
        Path | None,
        typer.Option(help="In place of samples: folder of MME, scored as MME is."),
    ] = None
    partial: Annotated[
        bool, typer.Option("--partial", help="Take an MME that misses categories or pictures.")
    ] = False
    limit: Annotated[
        int | None, typer.Option(help="Of MME so many pictures, spread over its categories.")
    ] = None

    def open(self) -> Any:
        """Questions as the sweep takes them.

        Raises:
            BadOptionError: both sources, or options of MME without it.
        """
        from vlmscope.data.datasets import open_dataset
        from vlmscope.data.questions import read_questions

        if self.mme is not None:
            if self.samples is not None:
                raise BadOptionError("--samples and --mme are two sources. Take one.")
            return open_dataset("mme", self.mme, partial=self.partial)
        if self.partial or self.limit is not None:
            raise BadOptionError("--partial and --limit are of --mme FOLDER, which is not given.")
        return read_questions(self.samples or _DEFAULT_SAMPLES)

    @property
    def name(self) -> str:
        """Where the questions come from, for the record."""
        return self.samples or (_DEFAULT_SAMPLES if self.mme is None else f"mme:{self.mme}")


@dataclass(frozen=True)
class Compression:
    """How much is kept, chosen by what."""

    panel: ClassVar[str] = "Method"

    keep: Annotated[
        str, typer.Option(help="Shares of the image tokens that are kept, 0 to 1, with commas.")
    ] = "0,0.02,0.05,0.1,0.25,0.5,1"
    by: Annotated[
        str,
        typer.Option(
            help="What tokens are chosen by, with commas: attention (of what is said to the prompt), "
            "query (of the prompt's rows), random and norm (controls)."
        ),
    ] = "attention,query,random,norm"
    prompt: Annotated[
        str, typer.Option(help="What the picture is read under, before any question.")
    ] = "describe the picture"
    no_prompt: Annotated[
        bool,
        typer.Option("--no-prompt", help="Forget the prompt: the context ends with the image."),
    ] = False

    def values(self) -> dict[str, Any]:
        """As arguments of the sweep.

        Raises:
            BadOptionError: a share that is no number.
        """
        return {
            "keeps": tuple(_share(part) for part in self.keep.split(",")),
            "by": tuple(part.strip() for part in self.by.split(",")),
            "prompt": None if self.no_prompt else self.prompt,
        }


def context(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    asked: Asked,
    compression: Compression,
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Ask questions from a few of the image tokens, and see how few are enough.

    The picture is read once under a prompt; each layer's cache keeps the most important share of its
    image tokens, and every question is answered from that alone: accuracy by share and by what tokens
    were chosen by, beside random tokens, on your questions or on MME.
    """
    from vlmscope.analysis.context import context_sweep
    from vlmscope.analysis.context.options import ContextOptions
    from vlmscope.analysis.context.report import context_page
    from vlmscope.analysis.context.table import CONTEXT_COLUMNS, context_table

    settings = collect(ContextOptions, options)
    values = compression.values()
    output.check()
    questions = asked.open()
    loaded = loading.decoder(decoder.id)
    result = context_sweep(
        loaded,
        questions,
        **values,
        **asdict(settings),
        resume=resume,
        limit=asked.limit,
        progress=not output.quiet,
    )
    output.deliver(
        {**result.to_dict(), "samples_from": asked.name},
        context_table(result),
        lambda: context_page(result, typed()),
        result.rows(),
        CONTEXT_COLUMNS,
    )
    return report_skipped(result.skipped)


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadOptionError(
            f"--keep takes shares such as 0,0.05,0.25,1, got {text.strip()!r} among them."
        ) from None
