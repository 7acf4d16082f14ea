"""``vlmscope steer``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vlmscope.cli.console import note
from vlmscope.cli.loading import ModelName, SizedLoading
from vlmscope.cli.options import collect, with_options
from vlmscope.cli.places import check_picture, image_argument, save_picture
from vlmscope.cli.results import Output, Resume, report_skipped, typed
from vlmscope.errors import BadOptionError

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the analysis."""
    from vlmscope.analysis.steering import SteerOptions

    return with_options(steer, SteerOptions)


def steer(
    *,
    options: dict[str, Any],
    image: Annotated[
        str | None,
        typer.Argument(metavar="[IMAGE]", help="A picture; - for stdin. Or --samples."),
    ] = None,
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="What is asked.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X0,Y0,X1,Y1",
            help="Where heads are drawn to, in pixels of the picture.",
            rich_help_panel="Input",
        ),
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(
            help='In place of a picture: a JSON-lines file with {"image": ..., "question": ..., '
            '"choices": [{"box": ..., "answer": ...}, ...]} rows, or tiny-scenes:N.',
            rich_help_panel="Input",
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            help="Added to the attention logits; below 0 heads are kept away (default: 4).",
            rich_help_panel="Method",
        ),
    ] = None,
    heads: Annotated[
        str | None,
        typer.Option(
            help='Heads, a head file or a published set, for example "L14H24,L14H13"; default: those known.',
            rich_help_panel="Method",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the picture with its box here.", rich_help_panel="Output"),
    ] = None,
    resume: Resume = None,
    model: ModelName = "tiny-llava",
    loading: SizedLoading,
    output: Output,
) -> int:
    """Draw heads to a box, and see what the model answers then beside what it answers by itself.

    With --samples it is counted over questions that fit several places: how often does the answer
    follow the box, beside random heads, every head, and the same heads drawn elsewhere?
    """
    from vlmscope.analysis.steering import SteerOptions

    settings = collect(SteerOptions, options)
    output.check()
    if (image is None) == (samples is None):
        what = "neither" if image is None else "both"
        raise BadOptionError(f"Give a picture, or --samples with many; got {what}.")
    if samples is not None:
        single = {"--box": box, "--strength": strength, "--picture": picture, "QUESTION": question}
        typed_here = [name for name, value in single.items() if value is not None]
        if typed_here:
            raise BadOptionError(
                f"{', '.join(typed_here)}: of one picture, not of --samples, whose strengths are "
                "--strengths. Leave out."
            )
        return _many(samples, settings, heads, resume, model, loading, output)
    of_many = (("--strengths", "strengths" in options), ("--resume", resume is not None))
    many = [name for name, is_given in of_many if is_given]
    if many:
        raise BadOptionError(f"{', '.join(many)}: of --samples, which is not given.")
    return _one(
        image or "", question, box, strength, settings, heads, picture, model, loading, output
    )


def _one(
    image: str,
    question: str | None,
    box: str | None,
    strength: float | None,
    settings: Any,
    heads: str | None,
    picture: Path | None,
    model: str,
    loading: SizedLoading,
    output: Output,
) -> int:
    from vlmscope.analysis.steering import steered_answer
    from vlmscope.analysis.steering.report import answer_page

    if question is None or box is None:
        missing = "a question" if question is None else "--box X0,Y0,X1,Y1"
        raise BadOptionError(f"vlmscope steer IMAGE QUESTION --box X0,Y0,X1,Y1 needs {missing}.")
    place = _numbers(box)
    check_picture(picture)
    opened = image_argument(image)
    result = steered_answer(
        loading.decoder(model),
        opened,
        question,
        place,  # type: ignore[arg-type]
        heads=heads,
        strength=4.0 if strength is None else strength,
        max_new_tokens=settings.max_new_tokens,
        preset=settings.preset,
        placement=settings.placement,
    )
    if picture is not None:
        save_picture(result.overlay(), picture)
    output.deliver(
        result.to_dict(),
        (["", "answer"], [["as it is", result.clean], ["steered", result.steered]]),
        lambda: answer_page(result, typed()),
        [result.to_dict()],
        f"{', '.join(map(str, result.heads))} drawn to {box} at strength {result.strength:g}",
    )
    return 0


def _numbers(box: str) -> list[float]:
    try:
        return [float(part) for part in box.split(",")]
    except ValueError:
        raise BadOptionError(f"--box takes four numbers, X0,Y0,X1,Y1, got {box!r}.") from None


def _many(
    samples: str,
    settings: Any,
    heads: str | None,
    resume: Path | None,
    model: str,
    loading: SizedLoading,
    output: Output,
) -> int:
    from vlmscope.analysis.steering import steering_trial
    from vlmscope.analysis.steering.choices import read_choices
    from vlmscope.analysis.steering.report import steering_page
    from vlmscope.analysis.steering.table import STEERING_COLUMNS, steering_table

    questions = read_choices(samples)
    trial = steering_trial(
        loading.decoder(model),
        questions,
        settings,
        heads=heads,
        resume=resume,
        progress=not output.quiet,
    )
    output.deliver(
        {**trial.to_dict(), "samples_from": samples},
        steering_table(trial),
        lambda: steering_page(trial, typed()),
        trial.rows(),
        STEERING_COLUMNS,
    )
    if not output.quiet:
        note(trial.verdict())
    return report_skipped(trial.skipped)
