"""The commands by name. Only the one that is called is imported, so `--help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from vlmscope.cli.console import emit
from vlmscope.errors import UnknownNameError
from vlmscope.version import __version__

__all__ = ["COMMANDS", "HEADS_COMMANDS", "build_app"]

COMMANDS: Mapping[str, str] = {
    "ground": "Find phrases in an image: box, mask, peak and heat map.",
    "segment": "Give every pixel of an image, or of a folder of them, one of your classes.",
    "heads": "Localization heads of a model: discover, verify, show.",
    "tokens": "Show what each word of an answer looked at, with boxes for what it names.",
    "flow": "Follow attention through the layers: who reads image, question and answer.",
    "knockout": "Block attention window by window: which layers carry the answer.",
    "prompts": "Change parts of prompts and see what the answer needed.",
    "eval": "Measure methods on a data set: scores with error bars, and the protocol.",
    "models": "List the models that are known by name.",
    "methods": "List the methods, or the options of one.",
    "doctor": "Say what is installed, what works, and what a model needs.",
    "demo": "See it all in two minutes, offline: discover, verify, ground, one page.",
}
"""Commands and their one-line help."""

HEADS_COMMANDS: Mapping[str, str] = {
    "discover": "Find a model's localization heads from images and phrases, without labels.",
    "verify": "Measure heads on samples with boxes or masks that discovery did not see.",
    "show": "Show a head file: the heads and the evidence for them.",
}
"""Commands of ``vlmscope heads``."""

Command = Callable[..., Any]


def build_app(words: Sequence[str]) -> typer.Typer:
    """The application for one command line.

    Args:
        words: the arguments; a command's options may depend on them (``ground --method gem`` has
            the options of gem).

    Raises:
        UnknownNameError: a command that does not exist.
    """
    called = _called(words, COMMANDS, "command")
    app = _typer("See where a vision-language model looks, and how far that can be trusted.")
    app.callback()(_root)
    for name, summary in COMMANDS.items():
        if name == "heads":
            app.add_typer(
                _heads(words, called == "heads"), name=name, help=summary, short_help=summary
            )
        else:
            _add(app, name, summary, name if name == called else None, words)
    return app


def _heads(words: Sequence[str], called: bool) -> typer.Typer:
    app = _typer(COMMANDS["heads"])
    app.callback()(_help_unless_called)
    after = list(words)[list(words).index("heads") + 1 :] if called else []
    chosen = _called(after, HEADS_COMMANDS, "heads command")
    for name, summary in HEADS_COMMANDS.items():
        _add(app, name, summary, f"heads_{name}" if name == chosen else None, after)
    return app


def _typer(summary: str) -> typer.Typer:
    return typer.Typer(
        help=summary,
        add_completion=False,
        invoke_without_command=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _called(words: Sequence[str], known: Mapping[str, str], kind: str) -> str | None:
    """The first word that is no option, checked; None when there is none."""
    word = next((word for word in words if not word.startswith("-")), None)
    if word is not None and word not in known:
        raise UnknownNameError(kind, word, known, where="See: vlmscope --help")
    return word


def _add(
    app: typer.Typer, name: str, summary: str, module: str | None, words: Sequence[str]
) -> None:
    """Register a command, its real function only if ``module`` names where that is."""
    command: Command = _stub
    if module is not None:
        command = importlib.import_module(f"vlmscope.cli.commands.{module}").command(list(words))
    # given as the short help it is not cut off in the list
    app.command(name, short_help=summary)(command)


def _stub() -> None:
    """Stands in the list of commands for one that is not called."""


def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
) -> None:
    """See where a vision-language model looks, and how far that can be trusted."""
    if version:
        emit(f"vlmscope {__version__}")
        raise typer.Exit
    _help_unless_called(ctx)


def _help_unless_called(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        emit(ctx.get_help())
        raise typer.Exit
