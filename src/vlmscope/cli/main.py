"""The entry point: runs one command and turns whatever happens into one message and a code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from vlmscope.cli.app import build_app, called_command
from vlmscope.cli.completion import asked_words, completing, prepare, words_to_build
from vlmscope.cli.console import close_stdout, emit_json, note, own_warnings
from vlmscope.cli.options import peek
from vlmscope.errors import VlmscopeError, shortened
from vlmscope.io import shown_path

__all__ = ["FAILED", "FINDINGS", "FINE", "main"]

FINE, FINDINGS, FAILED = 0, 1, 2
"""Exit codes: all well; finished, but there is something to know; nothing was done."""

INTERRUPTED = 130
PIPE_CLOSED = 141  # 128 + SIGPIPE, as a shell reports it
_NO_PLACE = {errno.ENAMETOOLONG, errno.EACCES, errno.ELOOP}  # where looking up a path fails
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
# typer carries its own copy of click since 0.20, so the class is found through typer itself
_UsageError = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


class Failure(NamedTuple):
    """Why nothing was done.

    Attributes:
        kind: name of the exception, ``UsageError`` for a command line that cannot be read, or
            ``OutOfMemoryError``.
        message: what was wrong, what was received and what to do.
    """

    kind: str
    message: str


def main(args: Sequence[str] | None = None) -> int:
    """Run ``vlmscope ARGS`` and return its exit code: 0 fine, 1 findings, 2 failed, 130 stopped.

    A failure is one line on stderr and, with ``--json``, also an object on stdout:
    ``{"error": {"kind": ..., "message": ...}}``.

    Args:
        args: the arguments after the program's name; default: those of the process.
    """
    words = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a phrase may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        with own_warnings():
            code = _complete() if completing() else _run(words)
        _flush()
    except (BrokenPipeError, SystemExit):  # click ends the process when a pipe closes
        close_stdout()
        return PIPE_CLOSED
    except OSError as error:  # whatever else fails is reported where it happens
        close_stdout()
        note(
            f"vlmscope: error: The result cannot be written to stdout: {error.strerror or error}. "
            "Make room, or send it somewhere else."
        )
        return FAILED
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
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except (BrokenPipeError, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        if _is_of_stdout(error):
            raise
        _report(_failure(error, words), as_json=_wants_json(words))
        return FAILED


def _complete() -> int:
    """Answer a shell that completes a command line: words on stdout, nothing else anywhere."""
    prepare()
    try:
        command = typer.main.get_command(build_app(words_to_build(*asked_words())))
        command.main(args=[], prog_name="vlmscope", standalone_mode=False)
    except SystemExit as end:  # the only way typer ends here; fish reads the code
        return end.code if isinstance(end.code, int) else FINE
    except VlmscopeError:  # a command line with a mistake in it: nothing follows
        return FINE
    return FINE


def _is_of_stdout(error: Exception) -> bool:
    """Whether an error is of writing a result: of files the library tells with an error of its own."""
    return (
        isinstance(error, OSError)
        and not isinstance(error, VlmscopeError)
        and error.filename is None
        and error.errno in _UNWRITABLE
    )


def _flush() -> None:
    if sys.stdout is not None:  # a process may be started without one
        sys.stdout.flush()


def _report(failure: Failure, as_json: bool) -> None:
    message = shortened(" ".join(failure.message.split()))
    if as_json:
        emit_json({"error": {"kind": failure.kind, "message": message}})
    note(f"vlmscope: error: {message}")


def _wants_json(words: list[str]) -> bool:
    """Whether ``--json`` is on the command line; what follows ``--`` is no option."""
    return "--json" in words[: words.index("--") if "--" in words else len(words)]


def _failure(error: Exception, words: list[str]) -> Failure:
    if isinstance(error, VlmscopeError):
        return Failure(type(error).__name__, str(error))
    if isinstance(error, _UsageError):
        return Failure("UsageError", f"{_usage(error, words)}. Try: {_help_line(words)}")
    if isinstance(error, OSError) and error.errno in _NO_PLACE and error.filename is not None:
        place, reason = shown_path(str(error.filename)), error.strerror
        return Failure("OSError", f"{place}: {reason}. Give a place that the system can look up.")
    return _unexpected(error)


def _usage(error: Any, words: list[str]) -> str:
    """What is wrong with the command line, with the value that was received."""
    problem = str(error.format_message()).rstrip(".")
    value = peek(words, *getattr(getattr(error, "param", None), "opts", ()))
    return problem if value is None or value in problem else f"{problem}, got {value!r}"


def _help_line(words: list[str]) -> str:
    return " ".join(["vlmscope", *called_command(words).split(), "--help"])


def _unexpected(error: Exception) -> Failure:
    """A fault that is not the user's: still one message, with the way to see more."""
    if os.environ.get("VLMSCOPE_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failure(
            "OutOfMemoryError",
            f"Out of memory: {error}. Use a smaller model or image, --dtype bfloat16, or another "
            "--device; `vlmscope doctor MODEL` says what a model needs.",
        )
    return Failure(
        type(error).__name__,
        f"Unexpected {type(error).__name__}: {error}. This is a fault of vlmscope; please report "
        "it with what VLMSCOPE_DEBUG=1 shows.",
    )
