"""Options dataclasses become command-line options, and only what was typed is passed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from vlmscope.cli.options import collect, peek, with_options
from vlmscope.errors import BadOptionError


@dataclass(frozen=True)
class Inner:
    depth: int = field(default=2, metadata={"help": "how deep"})


@dataclass(frozen=True)
class Options:
    """Of every kind."""

    share: float = field(default=0.4, metadata={"help": "of the maximum."})
    top_k: int | None = field(default=None, metadata={"help": "how many"})
    keep: str = field(default="hull", metadata={"choices": ("hull", "area")})
    mode: Literal["a", "b"] = "a"
    greedy: bool = False
    inner: Inner = field(default_factory=Inner)
    hidden: tuple[int, ...] = field(default=(), metadata={"cli": False})


def build(kind: type[Any] = Options) -> tuple[typer.Typer, list[Any]]:
    seen: list[Any] = []

    def command(
        name: str, options: dict[str, Any], share: Annotated[int, typer.Option()] = 7
    ) -> None:
        """Do it."""
        seen.append((name, options, share))

    app = typer.Typer(rich_markup_mode=None)
    app.command()(with_options(command, kind))
    return app, seen


def called(*words: str) -> Any:
    app, seen = build()
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return seen[0]


def test_nothing_typed_nothing_passed() -> None:
    assert called("x") == ("x", {}, 7)


def test_what_is_typed_arrives_with_its_type() -> None:
    words = ["x", "--top-k", "5", "--greedy", "--mode", "b", "--depth", "3"]
    assert called(*words)[1] == {"top_k": 5, "greedy": True, "mode": "b", "depth": 3}
    assert called("x", "--no-greedy")[1] == {"greedy": False}


def test_an_option_of_the_command_itself_wins() -> None:
    assert called("x", "--share", "3") == ("x", {}, 3)


def test_help_comes_from_the_fields() -> None:
    app, _ = build()
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "How deep. Default: 2." in text
    assert "One of: hull, area. Default: hull." in text
    assert "One of: a, b. Default: a." in text
    assert "--hidden" not in text


def test_collect_fills_nested_dataclasses() -> None:
    assert collect(Options, {"depth": 9, "greedy": True}) == Options(greedy=True, inner=Inner(9))
    assert collect(Options, {}) == Options()


def test_a_field_without_a_form_is_refused_when_the_command_is_built() -> None:
    @dataclass(frozen=True)
    class Odd:
        pairs: dict[str, int] = field(default_factory=dict)

    with pytest.raises(BadOptionError, match="pairs"):
        build(Odd)


def test_peek() -> None:
    assert peek(["a", "--method", "gem"], "--method") == "gem"
    assert peek(["--method=gem", "b"], "--method") == "gem"
    assert peek(["--method"], "--method") is None
    assert peek(["--methods", "x"], "--method") is None
    assert peek(["-mtiny", "b"], "--model", "-m") == "tiny"
    assert peek(["a", "--", "--method", "gem"], "--method") is None


def test_peek_takes_the_last_as_the_parser_does() -> None:
    words = ["x", "--mode", "a", "--top-k", "5", "--mode=b"]
    assert peek(words, "--mode") == "b" == called(*words)[1]["mode"]
    assert (
        peek([*words, "--mode", "a"], "--mode") == "a" == called(*words, "--mode", "a")[1]["mode"]
    )
    assert peek(["--mode", "b", "--mode"], "--mode") == "b"


def test_a_name_of_several_dataclasses_is_one_option_as_the_first_explains_it() -> None:
    @dataclass(frozen=True)
    class Other:
        keep: str = field(default="area", metadata={"help": "of the other"})
        more: int = field(default=1, metadata={"help": "only there"})

    seen: list[Any] = []

    def command(name: str, options: dict[str, Any]) -> None:
        """Do it."""
        seen.append(options)

    app = typer.Typer(rich_markup_mode=None)
    app.command()(with_options(command, Options, Other))
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert text.count("--keep") == 1 and "One of: hull, area" in text and "of the other" not in text
    assert CliRunner().invoke(app, ["x", "--keep", "area", "--more", "2"]).exit_code == 0
    assert seen == [{"keep": "area", "more": 2}]


def test_help_ends_in_one_full_stop() -> None:
    @dataclass(frozen=True)
    class Spoken:
        asked: str = field(default="Describe the image.", metadata={"help": "what is asked"})

    app, _ = build(Spoken)
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "Default: Describe the image." in text and ".." not in text


@dataclass(frozen=True)
class Group:
    """Options that several commands share."""

    place: Annotated[str, typer.Argument(metavar="PLACE", help="Where.")]
    share: Annotated[int, typer.Option(help="Of the group.")] = 7
    loud: Annotated[bool, typer.Option("--loud", help="Shout.")] = False


def grouped() -> tuple[typer.Typer, list[Any]]:
    seen: list[Any] = []

    def command(*, group: Group, times: Annotated[int, typer.Option()] = 1) -> None:
        """Do it."""
        seen.append((group, times))

    app = typer.Typer(rich_markup_mode=None)
    app.command()(with_options(command))
    return app, seen


def test_a_group_stands_for_its_options() -> None:
    app, seen = grouped()
    for words in (["here"], ["here", "--share", "3", "--loud", "--times", "2"]):
        assert CliRunner().invoke(app, words).exit_code == 0
    assert seen == [(Group("here"), 1), (Group("here", 3, True), 2)]
    assert CliRunner().invoke(app, []).exit_code == 2  # what has no default is needed
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert text.index("Of the group") < text.index("Shout") < text.index("--times")


def test_an_option_of_a_group_wins_over_the_method() -> None:
    seen: list[Any] = []

    def command(*, group: Group, options: dict[str, Any]) -> None:
        """Do it."""
        seen.append((group.share, options))

    app = typer.Typer(rich_markup_mode=None)
    app.command()(with_options(command, Options))
    result = CliRunner().invoke(app, ["x", "--share", "3", "--top-k", "2"])
    assert result.exit_code == 0, result.output
    assert seen == [(3, {"top_k": 2})]
