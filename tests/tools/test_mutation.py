"""The mutation tester, on files whose mutants are known and on a package with good and weak tests."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tools.mutation.choice import Choice
from tools.mutation.equivalents import EQUIVALENT, Equivalents
from tools.mutation.groups import GROUPS, Group
from tools.mutation.measure import UNTESTED, Outcome, Runner, measure
from tools.mutation.mutants import Mutant, mutants
from tools.mutation.report import report, written
from tools.mutation.state import State

ROOT = Path(__file__).parents[2]
NOTHING = Equivalents({})


def found(text: str) -> list[Mutant]:
    return mutants(textwrap.dedent(text).encode(), "a.py")


def changes(text: str) -> set[str]:
    return {mutant.change for mutant in found(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = a < b", {"a < b -> a <= b", "a < b -> a >= b"}),
        ("x = a == b", {"a == b -> a != b"}),
        ("x = a is None", {"a is None -> a is not None"}),
        (
            "x = a < b < c",
            {f"a < b < c -> a {o} c" for o in ("<= b <", ">= b <", "< b <=", "< b >=")},
        ),
        ("x = a + b", {"a + b -> a - b"}),
        ("x = a // b", {"a // b -> a * b"}),
        ("x += b", {"x += b -> pass", "x += b -> x -= b"}),
        ("x = -a", {"-a -> a"}),
        ("x = -1", {"-1 -> 1", "-1 -> 0", "-1 -> -2"}),
        ("x = not a", {"not a -> a"}),
        ("x = a and b", {"a and b -> a or b"}),
        ("x = 3", {"3 -> 4", "3 -> 2"}),
        ("x = 0", {"0 -> 1", "0 -> -1"}),
        ("x = 0.5", {"0.5 -> 1.5"}),
        ("x = True", {"True -> False"}),
        ("x = None", set()),
        ("x = a[b:]", {"b -> b + 1"}),
        ("x = a[1:]", {"1 -> 2", "1 -> 0"}),
        ("x = min(a)", {"min(a) -> max(a)"}),
        ("x = a.argmax()", {"a.argmax() -> a.argmin()"}),
        ("x = f(a, b=c)", {"f(a, b=c) -> f(a)"}),
        ("x = a if b else c", {"b -> not b"}),
        ("x = [a for a in b if a]", {"a -> not a"}),
        ("f(a)", {"f(a) -> pass"}),
        ("def f():\n    return a", {"a -> None"}),
        ("def f():\n    return None", set()),
        ("def f(a):\n    a = b", {"a = b -> pass"}),
        ("def f(a):\n    c = b", set()),
        ("def f(a=1):\n    pass", {"1 -> 2", "1 -> 0"}),
        ("if a:\n    raise E(f'{1}', 2)", {"a -> not a", "raise E(f'{1}', 2) -> pass"}),
        ("for a in b:\n    break", {"break -> pass"}),
    ],
)
def test_a_line_has_the_mutants_it_should(text: str, expected: set[str]) -> None:
    assert changes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '"""Of 3."""',
        "__all__ = [f(1)]",
        "def f(a: Tuple[1]) -> Tuple[2]:\n    pass",
        "a: Tuple[3]",
        "@f(1)\ndef g():\n    pass",
        "if TYPE_CHECKING:\n    x = 1",
        "warnings.warn(f'{a + b}', stacklevel=2)",
        "import a",
        "x = zip(a, b, strict=True)",
        "class A:\n    a: int = field(repr=False)",
        "x = 'a' + f'{b + c}'",
    ],
)
def test_what_has_no_mutants(text: str) -> None:
    assert not found(text)


def test_a_change_keeps_what_binds_it() -> None:
    (mutant,) = [each for each in found("x = a - b * c") if each.change == "b * c -> b / c"]
    assert mutant.apply(b"x = a - b * c") == b"x = a - (b / c)"


def test_the_same_change_twice_in_a_line_is_told_apart() -> None:
    expected = {"a + b -> a - b", "a + b -> a - b [2]", "f(a + b, a + b) -> pass"}
    assert changes("f(a + b, a + b)") == expected


def test_bytes_before_a_change_may_be_more_than_letters() -> None:
    source = 'x = "é×", a + b'.encode()
    (mutant,) = mutants(source, "a.py")
    assert mutant.apply(source).decode() == 'x = "é×", (a - b)'


def test_a_mutant_is_felt_by_its_statement_or_its_head() -> None:
    (one,) = found(
        "def f():\n    if (\n        a is\n        None\n    ):\n        g = (\n\n        )"
    )
    assert one.lines == (3, 4)
    (two,) = found("def f():\n    x = h(\n        a,\n        b + c,\n    )")
    assert (two.line, two.lines, two.at_import) == (4, (2, 3, 4, 5), False)
    assert all(mutant.at_import for mutant in found("def f(a=1):\n    pass"))


@pytest.mark.parametrize("group", GROUPS)
def test_every_mutant_of_a_long_file_is_another_program(group: str) -> None:
    file = max(GROUPS[group].files(ROOT), key=lambda path: (ROOT / path).stat().st_size)
    source = (ROOT / file).read_bytes()
    every = mutants(source, file)
    assert len({mutant.apply(source) for mutant in every}) == len(every) > 50


CODE = """
    LIMIT = 3

    def clip(x):
        if x > LIMIT:
            return LIMIT
        return x

    def weak(x):
        return x * 2

    def loop(n):
        while n > 0:
            n -= 1
        return n

    def unused():
        return 1
"""
USER = "from pack.code import clip\n\ndef twice(x):\n    return clip(2 * x)\n"
TESTS = """
    import pytest

    from pack.code import clip, loop, weak
    from pack.user import twice

    @pytest.fixture(scope="module")
    def far():
        return clip(9)

    @pytest.mark.parametrize("x", [2, 3])
    def test_clip(x):
        assert clip(x) == x

    def test_far(far):
        assert far == 3

    def test_weak():
        weak(1)

    def test_loop():
        assert loop(3) == 0

    def test_twice():
        assert twice(1) == 2
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """All mutants of a small package."""
    return measure("pack", PACK, runner_in(tmp_path_factory.mktemp("pack")))


PACK = Group(("src/pack/*.py",), ("tests",))


def runner_in(folder: Path) -> Runner:
    for name, text in {
        "src/pack/__init__.py": "",
        "src/pack/code.py": CODE,
        "src/pack/user.py": USER,
        "tests/test_code.py": TESTS,
        "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    return Runner(folder, "src", State(folder / "state.jsonl"), jobs=1, slack=0.5)


def status(outcomes: list[Outcome], text: str, change: str) -> str:
    (one,) = [each for each in outcomes if (each.mutant.text, each.mutant.change) == (text, change)]
    return one.status


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("LIMIT = 3", "3 -> 4", "killed"),
        ("LIMIT = 3", "3 -> 2", "killed"),
        ("if x > LIMIT:", "x > LIMIT -> x <= LIMIT", "killed"),
        ("if x > LIMIT:", "x > LIMIT -> x >= LIMIT", "survived"),
        ("return LIMIT", "LIMIT -> None", "killed"),
        ("return x", "x -> None", "killed"),
        ("return x * 2", "x * 2 -> x / 2", "survived"),
        ("return x * 2", "x * 2 -> None", "survived"),
        ("n -= 1", "n -= 1 -> n += 1", "timeout"),
        ("n -= 1", "1 -> 2", "killed"),
        ("return 1", "1 -> 2", UNTESTED),
        ("return clip(2 * x)", "2 * x -> 2 / x", "survived"),
        ("return clip(2 * x)", "2 -> 3", "killed"),
    ],
)
def test_known_mutants(outcomes: list[Outcome], text: str, change: str, expected: str) -> None:
    assert status(outcomes, text, change) == expected


def test_what_is_finished_is_not_run_again(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    first = measure("pack", PACK, runner, sample=4, seed=1)
    again = Runner(tmp_path, "src", State(tmp_path / "state.jsonl"), jobs=1)
    assert measure("pack", PACK, again, sample=4, seed=1) == first
    lines = (tmp_path / "state.jsonl").read_text().splitlines()
    assert len(lines) == 4
    (tmp_path / "tests" / "test_code.py").write_text("def test_nothing():\n    import pack.code")
    third = measure("pack", PACK, again, sample=4, seed=1)
    assert {each.status for each in third} <= {"survived", UNTESTED}


def test_after_new_tests_only_the_survivors_are_run(
    tmp_path: Path, outcomes: list[Outcome]
) -> None:
    runner = runner_in(tmp_path)
    before = {"pack": report(outcomes, NOTHING, 1.0)}
    (tmp_path / "report.json").write_text(json.dumps(before))
    choice = Choice.given(["src/pack/code.py"], tmp_path / "report.json")
    (tmp_path / "tests" / "test_weak.py").write_text(
        "from pack.code import weak\n\ndef test_weak():\n    assert weak(3) == 6"
    )
    after = measure("pack", PACK, runner, choice=choice)
    left = [row["change"] for row in before["pack"]["survivors"] if "code.py" in row["file"]]
    assert [each.mutant.change for each in after] == left
    assert status(after, "return x * 2", "x * 2 -> x / 2") == "killed"
    assert status(after, "if x > LIMIT:", "x > LIMIT -> x >= LIMIT") == "survived"


def test_nothing_chosen_runs_nothing(tmp_path: Path) -> None:
    assert measure("pack", PACK, runner_in(tmp_path), choice=Choice(frozenset(["b.py"]))) == []
    assert not (tmp_path / "state.jsonl").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"pack": {}}', '{"pack": {"survivors": [1]}}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(SystemExit, match="no report of this tool"):
        Choice.given([], tmp_path / "report.json")


def test_tests_that_fail_anyway_are_refused(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    (tmp_path / "tests" / "test_bad.py").write_text("def test_bad():\n    assert 0")
    with pytest.raises(SystemExit, match="do not pass on the files as they are"):
        measure("pack", PACK, runner)


def test_the_report_counts(outcomes: list[Outcome]) -> None:
    edge = ("src/pack/code.py", "if x > LIMIT:", "x > LIMIT -> x >= LIMIT")
    equal = Equivalents({edge: "at the limit both are the limit"})
    made = report(outcomes, equal, 1.0)
    statuses = [each.status for each in outcomes]
    killed = statuses.count("killed") + statuses.count("timeout")
    assert (made["mutants"], made["killed"], made["equivalent"]) == (len(outcomes), killed, 1)
    assert made["score"] == pytest.approx(killed / len(outcomes), abs=1e-4)
    assert len(made["survivors"]) == len(outcomes) - killed - 1
    assert [row["change"] for row in made["equivalents"]] == [edge[2]]
    assert "src/pack/code.py:10: survived: x * 2 -> x / 2" in written({"pack": made})
    json.dumps(made)


def test_an_equivalent_that_is_killed_is_reported(outcomes: list[Outcome]) -> None:
    key = ("src/pack/code.py", "LIMIT = 3", "3 -> 4")
    made = report(outcomes, Equivalents({key: "said to be"}), 1.0)
    assert [row["change"] for row in made["wrongly equivalent"]] == ["3 -> 4"]
    assert made["equivalent"] == 0


def entry(**parts: str) -> str:
    return "[[mutant]]\n" + "".join(f"{name} = '{text}'\n" for name, text in parts.items())


ENTRY = {"file": "a.py", "line": "x = 3", "change": "3 -> 4", "reason": "unseen"}


def test_an_entry_stands_for_its_mutant_wherever_the_line_is(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(entry(**ENTRY))
    equal = Equivalents.read(tmp_path / "e.toml")
    every = found("\n\nx = 3")
    equal.check(every, whole=True)
    assert [equal.of(mutant) for mutant in every] == [None, "unseen"]


@pytest.mark.parametrize("part", ["line", "change"])
def test_an_entry_without_a_mutant_is_an_error(tmp_path: Path, part: str) -> None:
    (tmp_path / "e.toml").write_text(entry(**(ENTRY | {part: "other"})))
    with pytest.raises(SystemExit, match="no such mutant exists"):
        Equivalents.read(tmp_path / "e.toml").check(found("x = 3"), whole=False)


def test_an_entry_for_another_file_is_an_error_only_when_all_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(entry(**(ENTRY | {"file": "b.py"})))
    equal = Equivalents.read(tmp_path / "e.toml")
    equal.check(found("x = 3"), whole=False)
    with pytest.raises(SystemExit, match=r"b\.py"):
        equal.check(found("x = 3"), whole=True)


@pytest.mark.parametrize("text", [entry(file="a.py", line="x"), entry(**ENTRY) * 2])
def test_bad_entries_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(SystemExit, match="lacks|given twice"):
        Equivalents.read(tmp_path / "e.toml")


def test_every_listed_equivalent_is_a_mutant_of_the_central_modules() -> None:
    every = [
        mutant
        for group in GROUPS.values()
        for file in group.files(ROOT)
        for mutant in mutants((ROOT / file).read_bytes(), file)
    ]
    Equivalents.read(EQUIVALENT).check(every, whole=True)
