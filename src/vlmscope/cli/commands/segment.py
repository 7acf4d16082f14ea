"""``vlmscope segment``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from vlmscope.cli.arguments import HtmlPlace, MaxPixels, Printing, Protocol, TextCache
from vlmscope.cli.completion import dense_names
from vlmscope.cli.console import emit_json, note, warn
from vlmscope.cli.loading import Loading, ModelName, TextEmbeddings, TextTower
from vlmscope.cli.model_kind import named_default
from vlmscope.cli.options import peek, with_options
from vlmscope.cli.places import check_folder, check_page, check_place, image_files
from vlmscope.cli.sam_options import SamVoting
from vlmscope.cli.segment_run import SegmentRun
from vlmscope.data.images import MAX_PIXELS
from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.options import check_number
from vlmscope.results.segmentation import OPACITY

if TYPE_CHECKING:
    from vlmscope.export import ResultFolder
    from vlmscope.methods import Method

__all__ = ["command"]

MODEL = "tiny-clip"


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command, with the options of the method that ``words`` name."""
    from vlmscope.methods.segment import GROUND_ONLY, dense_method

    name = peek(words, "--method")
    method: Method = named_default(words, MODEL, dense=True) if name is None else dense_method(name)
    return with_options(segment, method.options, without=GROUND_ONLY)


@dataclass(frozen=True)
class Place:
    """Where masks, overlays and records go, as options of the command."""

    panel: ClassVar[str] = "Output"

    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for masks, overlays and records; goes on where it stopped."
        ),
    ] = None
    formats: Annotated[
        str | None,
        typer.Option("--format", help="Any of png,coco,yolo, with commas. Default: png."),
    ] = None
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Write overlays too.")
    ] = True
    opacity: Annotated[
        float | None,
        typer.Option(
            help="How strongly colours cover the image on overlays: 0 (not at all) to 1. "
            f"Default: {OPACITY}.",
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Compute again what is in the folder.")
    ] = False

    def folder(self) -> ResultFolder | None:
        """The folder, after a trial that it can be written; None: nothing is written.

        Raises:
            UnknownNameError: a format that does not exist.
            BadOptionError: formats or an opacity without a folder, none, an opacity outside 0..1, or
                a folder that is named like a file.
            MissingExtraError: COCO without pycocotools.
            OutputError: a place that cannot be written.
        """
        from vlmscope.export import ResultFolder, check_coco

        formats = self._formats()
        opacity = OPACITY if self.opacity is None else self.opacity
        check_number("opacity", opacity, at_least=0, at_most=1)
        if self.opacity is not None and (self.out is None or not self.overlays):
            raise BadOptionError("--opacity is of overlays, which need --out DIR and --overlays.")
        if self.out is None:
            if self.formats is not None:
                raise BadOptionError(
                    "--format says what is written, and --out DIR where; give both."
                )
            return None
        check_folder(self.out)
        if "coco" in formats:
            check_coco()
        folder = ResultFolder(self.out, formats, self.overlays, opacity)
        for path in folder.places:
            check_place(path)
        return folder

    def _formats(self) -> tuple[str, ...]:
        from vlmscope.export import FORMATS

        words = [part.strip().lower() for part in (self.formats or "png").split(",")]
        formats = tuple(dict.fromkeys(word for word in words if word))
        for name in formats:
            if name not in FORMATS:
                raise UnknownNameError("format", name, FORMATS)
        if not formats:
            raise BadOptionError(f"--format names no format. Give any of {', '.join(FORMATS)}.")
        return formats


@dataclass(frozen=True)
class Decision:
    """How a pixel gets its class, as options of the command; see :func:`vlmscope.segment`."""

    panel: ClassVar[str] = "Post-processing"

    background: Annotated[
        float | None,
        typer.Option(help="Pixels whose best class is less probable than this are background."),
    ] = None
    least_presence: Annotated[
        float | None,
        typer.Option(help="Classes whose presence in the image is less get no pixels."),
    ] = None
    least_score: Annotated[
        float | None,
        typer.Option(
            help="Pixels whose best class has less cosine similarity are background; finds it "
            "best together with --least-presence."
        ),
    ] = None
    presence_rule: Annotated[
        str | None,
        typer.Option(
            help="How presence is told: mean (of the best patch and the whole image) or rivals (the best "
            "patch against the other classes). Default: rivals where classes compete on a CLIP of 512 "
            "channels or more, else mean.",
            show_default=False,
        ),
    ] = None
    background_words: Annotated[
        bool | None,
        typer.Option(
            "--background-words/--every-pixel",
            help="Words of what fills pictures (sky, wall, grass) compete with the classes, and what "
            "they take is background; or every pixel gets a class, as published. Default: the words, "
            "on a CLIP of 512 channels or more, unless another option says what is background.",
            show_default=False,
        ),
    ] = None
    logit_scale: Annotated[
        float | None, typer.Option(help="Sharpness of the probabilities. Default: the model's.")
    ] = None
    compete: Annotated[
        bool,
        typer.Option(
            "--compete/--no-compete", help="Classes compete, or each has a threshold of its own."
        ),
    ] = True


def segment(
    *,
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
            rich_help_panel="Input",
        ),
    ],
    options: dict[str, Any],
    model: ModelName = MODEL,
    text_embeddings: TextEmbeddings = None,
    text_tower: TextTower = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="See: vlmscope methods. Default: sc-clip on a CLIP or a classifier, else gem.",
            show_default=False,
            rich_help_panel="Method",
            autocompletion=dense_names,
        ),
    ] = None,
    protocol: Protocol = "free",
    text_cache: TextCache = True,
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="TOWER",
            help="A second vision tower, for proxyclip: hub id or folder of a DINO, DINOv2 or DINOv3.",
            show_default=False,
            rich_help_panel="Method",
        ),
    ] = None,
    place: Place,
    html: HtmlPlace = None,
    decision: Decision,
    voting: SamVoting,
    max_pixels: MaxPixels = MAX_PIXELS,
    loading: Loading,
    printing: Printing,
) -> int:
    """Give every pixel one of the classes: index masks, overlays, COCO and YOLO files.

    A folder is gone through with its subfolders. Images that cannot be read are skipped, said, and
    make the exit code 1. A run that was interrupted goes on when it is started again.
    """
    from vlmscope.data.classes import ClassList
    from vlmscope.methods import segmenter
    from vlmscope.methods.encoder.protocols import find_protocol

    # whatever can be wrong without the model is said before a model is loaded
    listed = ClassList.of(classes)
    files = image_files(Path(image), place.out)
    folder = place.folder()
    single = not Path(image).is_dir()
    check_page(html, single)
    voting.check()
    refiner = None if voting.refine is None else loading.refiner(voting.refine)
    find_protocol(protocol)
    loaded = loading.model(model, text_embeddings, text_tower)
    tower = None if proxy is None else loading.tower(proxy)
    ready = segmenter(
        loaded,
        listed,
        method,
        refine=refiner,
        refine_masks=voting.rules,
        protocol=protocol,
        text_cache=text_cache,
        proxy=tower,
        **asdict(decision),
        **options,
    )
    if folder is not None:
        folder.open(ready.header, place.overwrite)
    for text in () if printing.quiet else listed.notes:
        note(f"classes: {text}")
    for text in ready.cautions:  # now: a long run may not be worth its time
        warn(text)
    if ready.beside is not None and not printing.quiet:
        note(
            "pixels that fit none of the classes as well as sky, wall, grass and the like are "
            "background; --every-pixel gives every pixel a class"
        )
    run = SegmentRun(ready, folder, max_pixels, single, html)
    run.all(files, printing.quiet)
    if printing.as_json:
        emit_json({**ready.header, "images": run.records, "skipped": run.skipped})
    else:
        run.show()
    return run.report(printing.quiet)
