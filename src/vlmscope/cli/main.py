"""The entry point: runs one command and turns whatever happens into one message and a code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from vlmscope.cli.app import build_app
from vlmscope.cli.console import close_stdout, note, own_warnings
from vlmscope.cli.options import peek
from vlmscope.errors import VlmscopeError

__all__ = ["FAILED", "FINDINGS", "FINE", "main"]

FINE, FINDINGS, FAILED = 0, 1, 2
"""Exit codes: all well; finished, but there is something to know; nothing was done."""

INTERRUPTED = 130
PIPE_CLOSED = 141  # 128 + SIGPIPE, as a shell reports it

# typer carries its own copy of click since 0.20, so the class is found through typer itself
_UsageError = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def main(args: Sequence[str] | None = None) -> int:
    """Run ``vlmscope ARGS`` and return its exit code: 0 fine, 1 findings, 2 failed, 130 stopped.

    Args:
        args: the arguments after the program's name; default: those of the process.
    """
    words = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a phrase may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        with own_warnings():
            code = _run(words)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # click ends the process when a pipe closes
        close_stdout()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        note("Stopped.")
        return INTERRUPTED
    return code


def _run(words: list[str]) -> int:
    try:
        command = typer.main.get_command(build_app(words))
        result = command.main(args=words, prog_name="vlmscope", standalone_mode=False)
        if result == INTERRUPTED:  # click's own way to tell of it
            raise KeyboardInterrupt
        return result if isinstance(result, int) else FINE
    except VlmscopeError as error:
        return _fail(str(error))
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except (BrokenPipeError, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        if isinstance(error, _UsageError):
            return _fail(f"{_usage(error, words)}. Try: {_help_line(words)}")
        return _unexpected(error)


def _usage(error: Any, words: list[str]) -> str:
    """What is wrong with the command line, with the value that was received."""
    problem = str(error.format_message()).rstrip(".")
    value = peek(words, *getattr(getattr(error, "param", None), "opts", ()))
    return problem if value is None or value in problem else f"{problem}, got {value!r}"


def _help_line(words: list[str]) -> str:
    command = [word for word in words[:2] if word.isalpha()]
    nested = command[:2] if command[:1] == ["heads"] else command[:1]
    return " ".join(["vlmscope", *nested, "--help"])


def _fail(message: str) -> int:
    note(f"vlmscope: error: {' '.join(message.split())}")
    return FAILED


def _unexpected(error: Exception) -> int:
    """A fault that is not the user's: still one message, with the way to see more."""
    if os.environ.get("VLMSCOPE_DEBUG"):
        traceback.print_exc(file=sys.stderr)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return _fail(
            f"Out of memory: {error}. Use a smaller model or image, --dtype bfloat16, or another "
            "--device; `vlmscope doctor MODEL` says what a model needs."
        )
    return _fail(
        f"Unexpected {type(error).__name__}: {error}. This is a fault of vlmscope; please report "
        "it with what VLMSCOPE_DEBUG=1 shows."
    )
