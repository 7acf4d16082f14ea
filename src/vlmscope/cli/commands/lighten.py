"""``vlmscope lighten``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vlmscope.cli.console import note
from vlmscope.cli.loading import NamedDecoder, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.results import Output, Questions, Resume, report_skipped, typed

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.lighten import LightenOptions

    return with_options(lighten, LightenOptions)


def lighten(
    *,
    options: dict[str, Any],
    decoder: NamedDecoder,
    samples: Questions = "tiny-scenes:20",
    resume: Resume = None,
    loading: SizedLoading,
    output: Output,
) -> int:
    """Leave image tokens out behind a layer: which layer, how many, and what the answer loses by it.

    Layer and share are chosen on one half of the questions and judged on the other, beside tokens
    chosen at random, evenly, in order, and in reverse. With --read it is a window of layers in which
    text reads the image, beside windows of as many layers elsewhere and none at all.
    """
    from vlmscope.analysis.lighten import LightenOptions, lighten_sweep
    from vlmscope.analysis.lighten.report import lighten_page
    from vlmscope.analysis.lighten.table import LIGHTEN_COLUMNS, lighten_table
    from vlmscope.data.questions import read_questions

    settings = collect(LightenOptions, options)
    output.check()
    questions = read_questions(samples)
    loaded = loading.decoder(decoder.id)
    result = lighten_sweep(loaded, questions, settings, resume=resume, progress=not output.quiet)
    output.deliver(
        {**result.to_dict(), "samples_from": samples},
        lighten_table(result),
        lambda: lighten_page(result, typed()),
        result.rows(),
        LIGHTEN_COLUMNS,
    )
    if not output.quiet:
        note(result.verdict())
    return report_skipped(result.skipped)
