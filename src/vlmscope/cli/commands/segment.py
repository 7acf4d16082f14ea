"""``vlmscope segment``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import (
    AsJson,
    Device,
    Dtype,
    MaxPixels,
    ModelName,
    Quiet,
    Revision,
    TrustRemoteCode,
    load_model,
)
from vlmscope.cli.commands.segment_run import SegmentRun
from vlmscope.cli.console import emit_json, note, warn
from vlmscope.cli.options import peek, with_options
from vlmscope.cli.places import check_place, image_files
from vlmscope.data.images import MAX_PIXELS
from vlmscope.errors import BadOptionError, UnknownNameError

if TYPE_CHECKING:
    from vlmscope.export import ResultFolder

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the method that ``words`` name."""
    from vlmscope.methods.segment import GROUND_ONLY, dense_method

    method = dense_method(peek(words, "--method") or "gem")
    return with_options(segment, method.options, without=GROUND_ONLY)


def segment(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE|FOLDER", help="What to segment.", show_default=False)
    ],
    classes: Annotated[
        str,
        typer.Option(
            "--classes",
            "-c",
            help="Written out, a,b,c, or a .txt file with one class per line; 'person: man|woman' "
            "is the class person, looked for as man and woman.",
            show_default=False,
        ),
    ],
    options: dict[str, Any],
    model: ModelName = "tiny-clip",
    method: Annotated[str, typer.Option(help="See: vlmscope methods.")] = "gem",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for masks, overlays and records; goes on where it stopped."
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", help="Any of png,coco,yolo, with commas. Default: png."),
    ] = None,
    background: Annotated[
        float | None,
        typer.Option(help="Pixels whose best class is less probable than this are background."),
    ] = None,
    least_presence: Annotated[
        float | None,
        typer.Option(help="Classes whose presence in the image is less get no pixels."),
    ] = None,
    least_score: Annotated[
        float | None,
        typer.Option(
            help="Pixels whose best class has less cosine similarity are background; finds it "
            "best together with --least-presence."
        ),
    ] = None,
    logit_scale: Annotated[
        float | None, typer.Option(help="Sharpness of the probabilities. Default: the model's.")
    ] = None,
    compete: Annotated[
        bool,
        typer.Option(
            "--compete/--no-compete", help="Classes compete, or each has a threshold of its own."
        ),
    ] = True,
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Write overlays too.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Compute again what is in the folder.")
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
    dtype: Dtype = None,
    device: Device = None,
    revision: Revision = None,
    trust_remote_code: TrustRemoteCode = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Give every pixel one of the classes: index masks, overlays, COCO and YOLO files.

    A folder is gone through with its subfolders. Images that cannot be read are skipped, said, and
    make the exit code 1. A run that was interrupted goes on when it is started again.
    """
    from vlmscope.data.classes import ClassList
    from vlmscope.methods import segmenter

    # whatever can be wrong without the model is said before a model is loaded
    listed = ClassList.of(classes)
    files = image_files(Path(image), out)
    folder = _folder(out, formats, overlays)
    loaded = load_model(model, dtype, device, revision, trust_remote_code)
    ready = segmenter(
        loaded,
        listed,
        method,
        compete=compete,
        background=background,
        least_presence=least_presence,
        least_score=least_score,
        logit_scale=logit_scale,
        **options,
    )
    if folder is not None:
        folder.open(ready.header, overwrite)
    for text in () if quiet else listed.notes:
        note(f"classes: {text}")
    for text in ready.cautions:  # now: a long run may not be worth its time
        warn(text)
    run = SegmentRun(ready, folder, max_pixels, single=not Path(image).is_dir())
    run.all(files, quiet)
    if as_json:
        emit_json({**ready.header, "images": run.records, "skipped": run.skipped})
    else:
        run.show()
    return run.report(quiet)


def _folder(out: Path | None, formats: str | None, overlays: bool) -> ResultFolder | None:
    """The folder for the results, after a trial that it can be written."""
    from vlmscope.export import FORMATS, ResultFolder, check_coco

    wanted = [part.strip().lower() for part in (formats or "png").split(",") if part.strip()]
    for name in wanted:
        if name not in FORMATS:
            raise UnknownNameError("format", name, FORMATS)
    if not wanted:
        raise BadOptionError(f"--format names no format. Give any of {', '.join(FORMATS)}.")
    if out is None:
        if formats is not None:
            raise BadOptionError("--format says what is written, and --out DIR where; give both.")
        return None
    if "coco" in wanted:
        check_coco()
    folder = ResultFolder(out, tuple(dict.fromkeys(wanted)), overlays)
    for place in folder.places:
        check_place(place)
    return folder
