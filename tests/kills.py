"""Whether a command that is killed leaves whole files, and ends as if nothing had happened."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from forks import Forks
from strikes import Byte, Change, Moment, Process, Step, Strike

__all__ = ["Job", "Tally", "Trial", "Undisturbed", "draw", "faults_of_files", "undisturbed"]

KINDS = ("moment", "change", "step", "byte")


@dataclass(frozen=True)
class Job:
    """A command that writes into the folder in which it runs.

    Attributes:
        name: of the command.
        words: its command line.
        log: a file that grows by lines as items are finished, the first one a header; its last line
            may be torn. None: there is none.
        lines: how many lines of it an item has.
        pieces: a pattern for the files that say that an item is finished.
        of_piece: patterns for the other files of an item, with ``*`` for its name.
    """

    name: str
    words: tuple[str, ...]
    log: str | None = None
    lines: int = 1
    pieces: str | None = None
    of_piece: tuple[str, ...] = ()

    def finished(self, folder: Path) -> int:
        """How many items an interrupted run has finished."""
        if self.log is not None:
            path = folder / self.log
            whole = path.read_bytes().count(b"\n") if path.is_file() else 0
            return max(0, whole - 1) // self.lines
        return len(self._finished_pieces(folder))

    def kept(self, folder: Path) -> dict[Path, int]:
        """Files of finished items, and when each was written, in nanoseconds."""
        files = [
            folder / pattern.replace("*", piece.stem)
            for piece in self._finished_pieces(folder)
            for pattern in (str(self.pieces), *self.of_piece)
        ]
        return {file: file.stat().st_mtime_ns for file in files}

    def _finished_pieces(self, folder: Path) -> list[Path]:
        return [] if self.pieces is None else visible(folder, self.pieces)


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody killed.

    Attributes:
        files: contents by path.
        out: its stdout.
        code: its exit code.
        seconds: how long it took.
        steps: how many operations on files :class:`strikes.Step` counted.
    """

    files: dict[str, bytes]
    out: bytes
    code: int | None
    seconds: float
    steps: int

    def within(self, seconds: float) -> Undisturbed:
        """The same, not longer than some seconds."""
        return replace(self, seconds=min(self.seconds, seconds))


def visible(folder: Path, pattern: str) -> list[Path]:
    """Files that a user sees."""
    return sorted(
        path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith(".")
    )


def contents(folder: Path, hidden: bool = True) -> dict[str, bytes]:
    """Files by their path in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (hidden or not path.name.startswith("."))
    }


def undisturbed(forks: Forks, job: Job, base: Path) -> Undisturbed:
    """Run a job to its end."""
    begun = time.monotonic()
    code = forks.start(job.words, base, Strike()).wait()
    seconds = time.monotonic() - begun
    assert code == 0, (base / "stderr").read_text()
    steps = len((base / "steps").read_text().splitlines())
    return Undisturbed(contents(base / "out"), (base / "stdout").read_bytes(), code, seconds, steps)


def draw(kind: str, whole: Undisturbed, chance: random.Random) -> Strike:
    """A strike somewhere in a run: each moment, operation, file and byte is as likely as the others."""
    if kind == "moment":
        return Moment(chance.uniform(0, whole.seconds))
    if kind == "change":
        return Change(chance.randint(1, whole.steps // 2))
    if kind == "step":
        return Step(chance.randint(1, whole.steps))
    if kind == "byte":
        return Byte(chance.randrange(len(chance.choice(list(whole.files.values())))))
    raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


def faults_of_files(job: Job, folder: Path, whole: Undisturbed) -> list[str]:
    """What stands at a path of a result without being that result."""
    faults = []
    for name, content in contents(folder, hidden=False).items():
        expected = whole.files.get(name)
        if expected is None:
            faults.append(f"{name} is no file of an undisturbed run")
        elif name == job.log:
            if not expected.startswith(content):
                faults.append(f"{name} begins otherwise than in an undisturbed run")
        elif content != expected:
            faults.append(f"{name} has {len(content)} bytes in place of {len(expected)}")
    return faults


@dataclass
class Trial:
    """One job that is killed, once or more, and then run to its end.

    Attributes:
        job: the job.
        whole: what it leaves undisturbed.
        base: an empty folder for it.
        stages: for each kill ``before``, ``during`` or ``after`` the writing of results.
        late: strikes that came when the run had ended.
        seconds: how long the last run took that was to be killed.
        leftovers: hidden files that kills left.
        half: faults of files after kills.
        unequal: what the last run did otherwise than an undisturbed one.
    """

    job: Job
    whole: Undisturbed
    base: Path
    stages: list[str] = field(default_factory=list)
    late: int = 0
    seconds: float = 0
    leftovers: int = 0
    half: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All that is wrong."""
        return self.half + self.unequal

    def strike(self, forks: Forks, strike: Strike, plant: str | None = None) -> None:
        """Start the job, kill it, and look at what it left."""
        begun = time.monotonic()
        run = forks.start(self.job.words, self.base, strike, plant)
        strike.outside(run, self._out)
        self.seconds = time.monotonic() - begun
        self.struck(run)

    def struck(self, run: Process) -> None:
        """Look at what a killed run left."""
        code = run.wait()
        if code is not None and code >= 0:
            self.late += 1
            return
        everything, shown = contents(self._out), contents(self._out, hidden=False)
        self.leftovers += len(everything) - len(shown)
        self.half += faults_of_files(self.job, self._out, self.whole)
        self.stages.append(
            "before" if not shown else "after" if shown == self.whole.files else "during"
        )

    def finish(self, forks: Forks, plant: str | None = None) -> None:
        """Run the job to its end, and compare."""
        finished, kept = self.job.finished(self._out), self.job.kept(self._out)
        code = forks.start(self.job.words, self.base, Strike(), plant).wait()
        text = (self.base / "stderr").read_text(encoding="utf-8")
        if code != self.whole.code:
            self.unequal.append(f"exit code {code}: {text}")
        if (self.base / "stdout").read_bytes() != self.whole.out:
            self.unequal.append("stdout differs")
        files = contents(self._out)
        for name in sorted({*files, *self.whole.files}):
            if files.get(name) != self.whole.files.get(name):
                self.unequal.append(f"{name} differs")
        for file, written in kept.items():
            if file.stat().st_mtime_ns != written:
                self.unequal.append(f"{file.name} was finished and is written again")
        before = re.findall(r"(\d+) (?:done|of them) before", text)
        if (int(before[-1]) if before else 0) != finished:
            self.unequal.append(f"{finished} items were finished, said were {before[-1:]}")

    @property
    def _out(self) -> Path:
        return self.base / "out"


class Tally:
    """Adds up trials by command."""

    _COLUMNS = ("kills", "before", "during", "after", "late", "leftovers", "half", "unequal")

    def __init__(self) -> None:
        self._rows: dict[str, Counter[str]] = {}

    def add(self, trial: Trial) -> None:
        """Count a trial that is over."""
        row = self._rows.setdefault(trial.job.name, Counter())
        row.update(trial.stages)
        row["kills"] += len(trial.stages)
        row["late"] += trial.late
        row["leftovers"] += trial.leftovers
        row["half"] += len(trial.half)
        row["unequal"] += len(trial.unequal)

    def __str__(self) -> str:
        total: Counter[str] = sum(self._rows.values(), Counter())
        lines = [["command", *self._COLUMNS]]
        for name, row in [*self._rows.items(), ("all", total)]:
            lines.append([name, *(str(row[column]) for column in self._COLUMNS)])
        return "\n".join("  ".join(f"{cell:>15}" for cell in line) for line in lines)
