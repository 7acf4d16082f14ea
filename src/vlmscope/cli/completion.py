"""Completion in the shell: how it is asked for, how it is installed, and what values complete to.

The shell runs ``vlmscope`` anew for every tab, with ``_VLMSCOPE_COMPLETE`` set; typer answers. What
needs torch to be known (the options of a method, the methods) takes seconds, so a command is built only
where its options are asked for: names of files are the shell's own.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from vlmscope.errors import BadOptionError

__all__ = [
    "asked_words",
    "comparator_names",
    "completing",
    "dense_names",
    "evidence_names",
    "head_sets",
    "install_completion",
    "label_formats",
    "measured_names",
    "method_names",
    "model_names",
    "prepare",
    "show_completion",
    "words_to_build",
]

_PROGRAM = "vlmscope"
_VARIABLE = "_VLMSCOPE_COMPLETE"
_OF_PICTURES = ("ground", "segment", "tokens")  # commands whose arguments are files
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


# -- installing ------------------------------------------------------------------------


def show_completion() -> str:
    """The script for the shell that runs this.

    Raises:
        BadOptionError: no shell that can complete, or none that can be seen.
    """
    from typer.completion import get_completion_script

    return str(get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=_shell()))


def install_completion() -> tuple[str, Path]:
    """Put the script where the shell that runs this reads it; the shell, and the file.

    Raises:
        BadOptionError: as :func:`show_completion`.
    """
    from typer.completion import install

    shell, path = install(shell=_shell(), prog_name=_PROGRAM, complete_var=_VARIABLE)
    return shell, Path(path)


def _shell() -> str:
    """The shell around this process, or else the one that the user logs in with."""
    import shellingham

    try:
        name = str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        name = ""
    if name not in _SHELLS:
        name = Path(os.environ.get("SHELL", "")).name or name
    if name not in _SHELLS:
        raise BadOptionError(
            f"Completion is for {', '.join(_SHELLS)}; the shell here is {name or 'unknown'}. Run this "
            "from one of them, or name it: SHELL=/bin/bash vlmscope --show-completion"
        )
    return name


# -- answering -------------------------------------------------------------------------


def completing() -> bool:
    """Whether this process was started by a shell that completes a command line."""
    return _VARIABLE in os.environ


def prepare() -> None:
    """Teach typer the shells; it does so itself only where it adds options of its own."""
    from typer.completion import completion_init

    completion_init()


def asked_words(environment: Mapping[str, str] = os.environ) -> tuple[list[str], str]:
    """The finished words after the program's name, and the one that is being typed."""
    if "COMP_WORDS" in environment:
        words = _split(environment["COMP_WORDS"])
        at = int(environment.get("COMP_CWORD", len(words)))
        return words[1:at], words[at] if at < len(words) else ""
    line = environment.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(line)[1:]
    return (words[:-1], words[-1]) if words and not line.endswith(" ") else (words, "")


def words_to_build(words: Sequence[str], typing: str) -> list[str]:
    """The words that a command is built for: none where only a file can follow."""
    option = typing.startswith("-") or (bool(words) and words[-1].startswith("-"))
    names = bool(words) and words[0] not in _OF_PICTURES
    return list(words) if option or names else []


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quotation that is not closed yet
        return line.split()


# -- values ----------------------------------------------------------------------------


def model_names(incomplete: str) -> list[str]:
    """Models that ship inside."""
    from vlmscope.tiny import EMBEDDED

    return [name for name in EMBEDDED if name.startswith(incomplete)]


def head_sets(incomplete: str) -> list[str]:
    """Published head sets; read off the files, for their own module needs torch."""
    folder = resources.files("vlmscope").joinpath("heads", "published")
    names = (Path(file.name) for file in folder.iterdir())
    return sorted(
        name.stem for name in names if name.suffix == ".json" and name.stem.startswith(incomplete)
    )


def label_formats(incomplete: str) -> list[tuple[str, str]]:
    """Formats that labels are exported in, with what is written."""
    from vlmscope.export.formats import LABEL_FORMATS

    return [(kind.id, kind.summary) for kind in LABEL_FORMATS if kind.id.startswith(incomplete)]


def method_names(incomplete: str) -> list[tuple[str, str]]:
    """Methods with what they do; after a comma, too."""
    from vlmscope.methods import methods

    return _after_comma(incomplete, ((each.id, each.summary) for each in methods()))


def measured_names(incomplete: str) -> list[tuple[str, str]]:
    """Everything that an evaluation takes for a method."""
    from vlmscope.evaluation.entrants.configured_methods import MEASURED

    return _after_comma(incomplete, ((each.id, each.summary) for each in MEASURED))


def comparator_names(incomplete: str) -> list[tuple[str, str]]:
    """Comparators, up to the checkpoint, which only the hub knows."""
    from vlmscope.evaluation.comparators import COMPARATORS

    return _after_comma(incomplete, ((f"{each.id}=", each.title) for each in COMPARATORS))


def evidence_names(incomplete: str) -> list[tuple[str, str]]:
    """Kinds of evidence that a sentence means something."""
    from vlmscope.evaluation.evidence import EVIDENCE

    return _after_comma(incomplete, ((each.id, each.summary) for each in EVIDENCE))


def dense_names(incomplete: str) -> list[tuple[str, str]]:
    """Methods of dual encoders, which can segment."""
    from vlmscope.methods import methods
    from vlmscope.methods.encoder import DenseMethod

    dense = ((each.id, each.summary) for each in methods() if isinstance(each, DenseMethod))
    return _after_comma(incomplete, dense)


def _after_comma(incomplete: str, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    before, comma, word = incomplete.rpartition(",")
    return [(before + comma + name, text) for name, text in names if name.startswith(word)]
