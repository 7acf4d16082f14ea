"""The commands by name. Only the one that is called is imported, so `--help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from vlmscope.cli.completion import install_completion, show_completion
from vlmscope.cli.console import emit
from vlmscope.cli.panels import GroupedCommand
from vlmscope.errors import UnknownNameError
from vlmscope.version import __version__

__all__ = ["COMMANDS", "build_app", "called_command", "module_of"]

COMMANDS: Mapping[str, str] = {
    "ground": "Find phrases in an image: box, mask, peak and heat map.",
    "clip": "Find when phrases are in a clip, and where: shares over time, a box per frame.",
    "segment": "Give every pixel of an image, or of a folder of them, one of your classes.",
    "label": "Label a folder, or a million images: rows in Parquet, resumed where they stopped.",
    "stats": "Count labels and, with decisions, say how many are right.",
    "audit": "Make a page to accept or reject a sample of the labels on.",
    "export": "Write labels for other tools: COCO, YOLO, VOC, CSV, Label Studio, WebDataset, FiftyOne.",
    "parts": "Show what an image tower holds together by itself: masks without a phrase.",
    "heads": "Localization heads of a model: discover, compare, verify, show.",
    "heads discover": "Find a model's localization heads from images and phrases, without labels.",
    "heads compare": "Compare criteria of discovery: pointing, stability, overlap.",
    "heads verify": "Measure heads on samples with boxes or masks that discovery did not see.",
    "heads show": "Show a head file: the heads and the evidence for them.",
    "tokens": "Show what each word of an answer looked at, with boxes for what it names.",
    "flow": "Follow attention through the layers: who reads image, question and answer.",
    "knockout": "Block attention window by window: which layers carry the answer.",
    "steer": "Draw heads to a box, and see whether the answer follows.",
    "lighten": "Leave image tokens out behind a layer: what that saves, and what answers lose by it.",
    "hallucination": "Say which sign tells objects that are there from imagined ones.",
    "prompts": "Change parts of prompts and see what the answer needed.",
    "faithfulness": "Take away what a map lights up, and the rest: does the answer need it?",
    "explain": "Hide parts of a picture from a served model: where does its answer depend?",
    "context": "Ask questions from a few of the image tokens, and see how few are enough.",
    "daam": "Draw a picture from a prompt, and show where each word was read (DAAM).",
    "eval": "Measure methods on a data set: scores with error bars, and the protocol.",
    "reproduce": "Put the claims of a paper to the test, on your weights and data.",
    "reproduce localization-heads": "Kang et al., CVPR 2025: a few attention heads point at the object.",
    "reproduce gem": "Bousselham et al., CVPR 2024: self-self attention finds objects in CLIP.",
    "reproduce whats-in-the-image": "Kaduri et al., CVPR 2025: how the image reaches the answer.",
    "data": "Data sets on your disk: check one, convert one, or render a small one.",
    "data check": "Say whether a data set is whole, which file is missing and how to get it.",
    "data make-tiny": "Render a small data set in the layout of a real one, to try commands on.",
    "data convert": "Make label maps from annotations in another form, without a toolkit.",
    "bundle": "Put results together into a static site: an index, a page each, one viewer.",
    "models": "List the models that are known by name.",
    "methods": "List the methods, or the options of one.",
    "doctor": "Say what is installed, what works, and what a model needs.",
    "app": "Look at a model in the browser: phrases, heads, words of answers, knock-outs.",
    "demo": "See it all in two minutes, offline: discover, verify, ground, one page.",
}
"""Commands and their one-line help, in the order of the list. A line here and a file in ``commands/``
make a command: ``heads discover`` lies in ``heads_discover.py``. A name that others begin with is a
group and has no file."""


def build_app(words: Sequence[str]) -> typer.Typer:
    """The application for one command line.

    Args:
        words: the arguments; a command's options may depend on them (``ground --method gem`` has
            the options of gem).

    Raises:
        UnknownNameError: a command that does not exist.
    """
    app = _typer("See where a vision-language model looks, and how far that can be trusted.")
    app.callback()(_root)
    _fill(app, "", words, on_the_way=True)
    return app


def module_of(name: str) -> str:
    """The module in ``commands/`` that holds a command."""
    return name.replace(" ", "_").replace("-", "_")


def called_command(words: Sequence[str]) -> str:
    """The name of the command that ``words`` call, or of the group; empty for none."""
    called = ""
    for word in words:
        name = f"{called} {word}".lstrip()
        if name in COMMANDS:
            called = name
        elif not word.startswith("-"):
            break
    return called


def _fill(app: typer.Typer, group: str, words: Sequence[str], on_the_way: bool) -> None:
    """Add the commands of a group, the whole of one only where ``words`` call it.

    Args:
        app: of the group.
        group: its name; empty for the program itself.
        words: what follows the group's name on the command line.
        on_the_way: whether the group is called.
    """
    inside = _inside(group)
    chosen = _chosen(words, inside, f"{group} command".lstrip()) if on_the_way else None
    rest = list(words)[list(words).index(chosen) + 1 :] if chosen is not None else []
    for word, summary in inside.items():
        name = f"{group} {word}".lstrip()
        if _inside(name):
            nested = _typer(summary)
            nested.callback()(_help_unless_called)
            _fill(nested, name, rest, word == chosen)
            app.add_typer(nested, name=word, help=summary, short_help=summary)
        else:
            command = _load(name, words) if word == chosen else _stub
            # given as the short help it is not cut off in the list
            app.command(word, cls=GroupedCommand, short_help=summary)(command)


def _inside(group: str) -> dict[str, str]:
    """The last words of the commands of a group, with their help."""
    before = f"{group} ".lstrip()
    ends = {
        name.removeprefix(before): summary
        for name, summary in COMMANDS.items()
        if name.startswith(before)
    }
    return {word: summary for word, summary in ends.items() if " " not in word}


def _chosen(words: Sequence[str], known: Mapping[str, str], kind: str) -> str | None:
    """The first word that is no option, checked; None when there is none."""
    word = next((word for word in words if not word.startswith("-")), None)
    if word is not None and word not in known:
        raise UnknownNameError(kind, word, known, where="See: vlmscope --help")
    return word


def _load(name: str, words: Sequence[str]) -> Callable[..., Any]:
    """The function of a command, with the options that ``words`` give it."""
    module = importlib.import_module(f"vlmscope.cli.commands.{module_of(name)}")
    function: Callable[..., Any] = module.command(list(words))
    return function


def _stub() -> None:
    """Stands in the list of commands for one that is not called."""


def _typer(summary: str) -> typer.Typer:
    return typer.Typer(
        help=summary,
        add_completion=False,
        invoke_without_command=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
    show: Annotated[
        bool,
        typer.Option("--show-completion", help="Print what makes this shell complete, and stop."),
    ] = False,
    install: Annotated[
        bool,
        typer.Option("--install-completion", help="Make this shell complete, and stop."),
    ] = False,
) -> None:
    """See where a vision-language model looks, and how far that can be trusted."""
    if version:
        emit(f"vlmscope {__version__}")
        raise typer.Exit
    if show:
        emit(show_completion())
        raise typer.Exit
    if install:
        shell, path = install_completion()
        emit(f"{path}: {shell} completes vlmscope after it is started anew.")
        raise typer.Exit
    _help_unless_called(ctx)


def _help_unless_called(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        emit(ctx.get_help())
        raise typer.Exit
