"""The entry point: help, names, and one message with a code for whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vlmscope.cli.commands.models as models_command
from vlmscope.cli.arguments import AsJson
from vlmscope.errors import BadOptionError, VlmscopeError, VlmscopeWarning
from vlmscope.version import __version__


def shell(line: str) -> subprocess.CompletedProcess[str]:
    program = f"{sys.executable} -m vlmscope"
    return subprocess.run(
        ["bash", "-c", line.replace("vlmscope", program)], capture_output=True, text=True
    )


def test_no_arguments_show_the_commands(run: Any) -> None:
    result = run()
    assert result.code == 0
    for command in ("ground", "heads", "models", "methods", "doctor", "demo"):
        assert command in result.out
    assert run("--help").out == result.out
    assert result.err == ""


def test_version(run: Any) -> None:
    assert run("--version") == (0, f"vlmscope {__version__}\n", "")


def test_heads_alone_shows_its_commands(run: Any) -> None:
    result = run("heads")
    assert result.code == 0
    assert "discover" in result.out


def test_help_of_every_command(run: Any) -> None:
    commands = ["ground", "models", "methods", "doctor", "demo"]
    for words in [*([name] for name in commands), *(["heads", n] for n in ("discover", "show"))]:
        result = run(*words, "--help")
        assert result.code == 0, words
        assert "Usage: vlmscope" in result.out
        assert "--json" in result.out


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from vlmscope.cli import main; main(['--help']); main(['models']); "
        "sys.exit('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_unknown_names_are_answered_with_the_nearest(refused: Any) -> None:
    refused(["modles"], "Unknown command 'modles'", "'models'")
    refused(["heads", "discovr"], "Unknown heads command", "'discover'")


def test_usage_errors_name_the_help(refused: Any) -> None:
    refused(["models", "--jsno"], "No such option: --jsno", "vlmscope models --help")
    refused(["models", "extra"], "extra", "vlmscope models --help")
    refused(["ground"], "vlmscope ground --help")
    refused(["ground", "a.png", "x", "--sigma", "wide"], "--sigma", "wide")


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def raises(words: list[str]) -> Callable[[], None]:
        def models() -> None:
            raise error

        return models

    monkeypatch.setattr(models_command, "command", raises)


def test_our_errors_are_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, VlmscopeError("two\nlines of   text"))
    assert run("models") == (2, "", "vlmscope: error: two lines of text\n")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TypeError("odd"), ["Unexpected TypeError: odd", "VLMSCOPE_DEBUG=1"]),
        (MemoryError("no room"), ["Out of memory", "--dtype bfloat16"]),
    ],
)
def test_faults_of_ours_are_one_line_too(
    run: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, words: list[str]
) -> None:
    failing(monkeypatch, error)
    result = run("models")
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert all(word in result.err for word in words)
    monkeypatch.setenv("VLMSCOPE_DEBUG", "1")
    assert "Traceback" in run("models").err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ground", "{photo}", "x", "-o", "{long}.png"), "File name too long"),
        (("doctor", "{long}"), "Unknown model"),
        (("eval", "coco-panoptic", "--root", "{long}"), "There is no folder"),
        (("flow", "tiny-llava", "--samples", "{long}"), "File name too long"),
    ],
)
def test_a_name_too_long_for_the_system_is_no_fault_of_ours(
    refused: Any, photo: Path, words: tuple[str, ...], expected: str
) -> None:
    names = {"photo": photo, "long": "a" * 5000}
    message = refused([word.format(**names) for word in words], expected)
    assert "fault of vlmscope" not in message
    assert len(message) < 1_300


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadOptionError("share is 2, give at most 1."), "BadOptionError"),
        (TypeError("odd"), "TypeError"),
        (MemoryError("no room"), "OutOfMemoryError"),
    ],
)
def test_a_failure_under_json_is_an_object(
    run: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def raises(words: list[str]) -> Callable[..., None]:
        def models(as_json: AsJson = False) -> None:
            raise error

        return models

    monkeypatch.setattr(models_command, "command", raises)
    code, out, err = run("models", "--json")
    assert code == 2
    failure = json.loads(out)
    assert list(failure) == ["error"] and failure["error"]["kind"] == kind
    assert str(error) in failure["error"]["message"]
    assert err == f"vlmscope: error: {failure['error']['message']}\n"
    assert run("models").out == ""


def test_a_command_line_that_cannot_be_read_is_an_object_too(run: Any) -> None:
    usage = run("models", "--json", "--famly", "x")
    assert usage.code == 2
    assert json.loads(usage.out)["error"]["kind"] == "UsageError"
    unknown = run("modles", "--json")
    assert unknown.code == 2
    assert json.loads(unknown.out)["error"]["kind"] == "UnknownNameError"
    assert run("modles", "--", "--json").out == ""  # a word, and no option


def test_an_interruption_is_no_failure(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert run("models") == (130, "", "Stopped.\n")


def test_only_our_warnings_are_shown(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import warnings

    def command(words: list[str]) -> Callable[[], None]:
        def models() -> None:
            warnings.warn("from a library", DeprecationWarning, stacklevel=1)
            warnings.warn("worth knowing", VlmscopeWarning, stacklevel=1)

        return models

    monkeypatch.setattr(models_command, "command", command)
    assert run("models") == (0, "", "warning: worth knowing\n")


def test_a_pipe_that_closes_is_no_error() -> None:
    # far more output than a pipe holds, to a reader that takes one byte
    line = "vlmscope methods localization-heads --json | head -c 1; echo ${PIPESTATUS[0]}"
    done = shell(line)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    code = (
        "import sys; from vlmscope.cli import main, console; import vlmscope.cli.commands.models as m; "
        "m.command = lambda words: lambda: [print('x' * 100) for _ in range(10000)] and None; "
        "sys.exit(main(['models']))"
    )
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{code}" | head -c 1; echo " ${{PIPESTATUS[0]}}"'],
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["x", "141"]
    assert done.stderr == ""


def test_python_dash_m() -> None:
    done = shell("vlmscope modles; echo $?")
    assert done.stdout == "2\n"
    assert done.stderr.startswith("vlmscope: error: Unknown command")


@pytest.mark.parametrize("length", [1_201, 100_000])
def test_a_message_is_never_longer_than_somebody_can_read(
    run: Any, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    failing(monkeypatch, VlmscopeError(f"There is no file {'a' * length}. Check the path."))
    err = run("models").err
    assert len(err) < 1_300
    assert err.startswith("vlmscope: error: There is no file aaa") and " ... aaa" in err
    assert err.endswith("Check the path.\n")
