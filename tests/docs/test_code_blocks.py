"""Every code block of README, CONTRIBUTING and docs does what it says; so does what checks them."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_blocks
from code_blocks import ROOT, BlockError, blocks, pages
from run_blocks import commands, run_page
from stand_ins import lightened, substituted


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_keeps_its_word(page: Path, tmp_path: Path) -> None:
    name = str(page.relative_to(ROOT))
    faults = run_page(page.read_text(encoding="utf-8"), name, tmp_path)
    assert not faults, "\n".join(faults)


def test_the_readme_is_among_the_pages() -> None:
    found = {str(page.relative_to(ROOT)) for page in pages()}
    assert "README.md" in found
    assert len(found) > 3


def fenced(language: str, *lines: str, before: str = "") -> str:
    return "\n".join([before, f"```{language}", *lines, "```", ""])


HOLDS = {
    "a name that lives on": fenced("python", "x = 1") + fenced("python", "assert x == 1"),
    "prepared names": fenced("python", "image.shape, samples[0], questions[0]"),
    "a prepared picture": fenced("python", "import vlmscope as vs; vs.open_image('mug.png')"),
    "a list item's block": "1. so:\n\n" + "   ```python\n   x = 1\n   x\n   ```\n",
    "reasoned": fenced("python", "1 / 0", before="<!-- not run: it divides by zero -->"),
    "command": fenced("sh", "vlmscope methods gem  # a comment"),
    "command over two lines": fenced("sh", "vlmscope methods \\", "  gem > methods.txt"),
    "module": fenced("sh", "python -m vlmscope models --json | head"),
    "make": fenced("sh", "PIP_X=1 make demo && make test TESTS=tests/post"),
    "pip": fenced("sh", "pip install '.[all]'"),
    "script": fenced("sh", "python benchmarks/gem.py --bfloat16"),
    "json lines": fenced("json", '{"a": 1}', '{"a": 2}'),
    "text": fenced("text", "anything (at all"),
}

FAILS = {
    "a wrong call": (fenced("python", "import vlmscope as vs", "vs.grond()"), "page.md:4"),
    "a wrong argument": (fenced("python", "import vlmscope as vs", "vs.load(nam=1)"), "nam"),
    "a name that nothing made": (fenced("python", "print(groundings)"), "groundings"),
    "an unknown model": (fenced("python", "import vlmscope as vs; vs.load('x')"), "x"),
    "a wrong option": (fenced("sh", "vlmscope ground photo.jpg x --metod gem"), "--metod"),
    "a wrong command": (fenced("sh", "vlmscope grond photo.jpg x"), "grond"),
    "the second line": (fenced("sh", "vlmscope models", "vlmscope modelz"), "modelz"),
    "a wrong target": (fenced("sh", "make supper"), "supper"),
    "a wrong extra": (fenced("sh", "pip install '.[soup]'"), "soup"),
    "a wrong script": (fenced("sh", "python benchmarks/gm.py"), "--help"),
    "a wrong option of a script": (fenced("sh", "python benchmarks/gem.py --bfl"), "no --bfl"),
    "an unknown command": (fenced("sh", "cowsay moo"), "cowsay"),
    "no reason": (fenced("python", "1 / 0", before="<!-- not run: -->"), "needs a reason"),
    "no colon, no reason": (fenced("python", "1 / 0", before="<!-- not run -->"), "a reason"),
    "a reason too far away": (
        fenced("python", "1 / 0", before="<!-- not run: because -->\n"),
        "ZeroDivisionError",
    ),
    "a needless reason": (fenced("text", "x", before="<!-- not run: text -->"), "needs no reason"),
    "no language": (fenced("", "x"), "no language"),
    "an unknown language": (fenced("cobol", "x"), "cobol"),
    "broken json": (fenced("json", '{"a": ...}'), "no json"),
}


@pytest.mark.parametrize("text", HOLDS.values(), ids=HOLDS)
def test_what_holds(text: str, tmp_path: Path) -> None:
    assert run_page(text, "page.md", tmp_path) == []


@pytest.mark.parametrize(("text", "says"), FAILS.values(), ids=FAILS)
def test_what_fails(text: str, says: str, tmp_path: Path) -> None:
    [fault] = run_page(text, "page.md", tmp_path)
    assert fault.startswith(("page.md:2", "page.md:3", "page.md:4"))
    assert says in fault


def test_a_page_goes_on_after_a_fault(tmp_path: Path) -> None:
    text = fenced("python", "1 / 0") + fenced("python", "x = {}['a']") + fenced("python", "1")
    assert len(run_page(text, "page.md", tmp_path)) == 2


def test_a_block_that_is_never_closed() -> None:
    with pytest.raises(BlockError, match=r"page\.md:2: this block is never closed"):
        list(blocks("text\n```python\nx = 1\n"))


def test_a_shorter_fence_does_not_close_a_longer_one() -> None:
    [block] = blocks("````text\n```python\n```\n````\n")
    assert block.text == "```python\n```\n"


def test_commands_of_a_shell_block() -> None:
    text = (
        'A=1 vlmscope flow x --edges "a->b;c" > o.txt && make demo | head\n# a comment\n$ pip x\n'
    )
    assert list(commands(text)) == [
        ["vlmscope", "flow", "x", "--edges", "a->b;c"],
        ["make", "demo"],
        ["pip", "x"],
    ]


def test_hub_ids_become_embedded_models() -> None:
    assert substituted('load("llava-hf/llava-1.5-13b-hf")') == 'load("tiny-llava")'
    assert substituted('load("openai/clip-vit-base-patch16")') == 'load("tiny-clip")'
    assert substituted("eval x --model MODEL --method gem,maskclip").endswith(
        "tiny-clip --method gem,maskclip"
    )
    assert (
        substituted("flow MODEL --samples tiny-scenes:100")
        == "flow tiny-llava --samples tiny-scenes:2"
    )
    assert substituted("heads=[(14, 24), (14, 13)]") == "heads=[(2, 0), (2, 3)]"
    assert substituted("layers=range(10, 14)") == "layers=range(2, 4)"
    assert substituted("eval tiny-scenes --limit 100") == "eval tiny-scenes --limit 2"


def test_costly_commands_are_kept_short() -> None:
    assert lightened(["eval", "refcoco"]) == ["eval", "refcoco", "--limit", "2"]
    assert lightened(["eval", "refcoco", "--limit=1"]) == ["eval", "refcoco", "--limit=1"]
    words = ["reproduce", "whats-in-the-image"]
    assert lightened(words) == [*words, "--limit", "1", "--max-new-tokens", "12"]
    assert lightened(["models"]) == ["models"]


def test_a_command_that_held_on_the_same_files_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def main(words: list[str]) -> int:
        calls.append(words)
        return 0

    monkeypatch.setattr(run_blocks, "main", main)
    monkeypatch.setattr(run_blocks, "_HELD", set())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text("{}")
    for words in (["flow", "a.jsonl"], ["flow", "a.jsonl"], ["models"], ["models"]):
        assert run_blocks.vlmscope(words) is None
    assert [call[0] for call in calls] == ["flow", "models", "models"]
    (tmp_path / "a.jsonl").write_text("[]")
    run_blocks.vlmscope(["flow", "a.jsonl"])
    assert len(calls) == 4
