"""What a job came to, and the files beside its parts that say so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmscope.io import write_json, write_text
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.footers import Failure
from vlmscope.labels.parts import PartStore
from vlmscope.labels.schema import FIELDS, FORMAT, SECONDS
from vlmscope.markup import one_line

__all__ = ["LabelSummary", "write_summary"]


@dataclass(frozen=True)
class LabelSummary:
    """What is in a folder of labels, and what the last call did.

    Attributes:
        folder: of the labels.
        images: with rows.
        rows: of all images.
        failed: images that could not be labelled.
        failures: by class of the error, how many images, and the first with its message.
        labelled: images of this call, failed ones included.
        before: images that an earlier call had finished.
        notes: what the person should know.
        audit: the page of a sample to look at, where one was asked for.
    """

    folder: Path
    images: int
    rows: int
    failed: int
    failures: dict[str, Failure]
    labelled: int
    before: int
    notes: tuple[str, ...] = field(default=())
    audit: Path | None = None

    def __repr__(self) -> str:
        failed = f", {self.failed:,} failed" if self.failed else ""
        return one_line(
            self, str(self.folder), f"{self.images:,} images, {self.rows:,} rows{failed}"
        )

    def open(self) -> LabelFolder:
        """The labels."""
        return LabelFolder.open(self.folder)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "folder": str(self.folder),
            **_counts(self.images, self.rows, self.failures),
            "labelled": self.labelled,
            "before": self.before,
            "notes": list(self.notes),
            "audit": None if self.audit is None else str(self.audit),
        }


def write_summary(folder: Path, job: dict[str, Any]) -> PartStore:
    """Write summary.json and README.md from the parts that there are, of whichever shard.

    Raises:
        OutputError: they cannot be written, or a part is of something else.
    """
    store = PartStore.open(folder / "parts", keys=False)
    counts = _counts(store.images, store.rows, store.failures)
    identity = {"format": FORMAT, "fingerprint": job["fingerprint"]}
    write_json(folder / "summary.json", {**identity, **counts, "parts": len(store.paths())})
    write_text(folder / "README.md", _readme(job, store))
    return store


def _counts(images: int, rows: int, failures: dict[str, Failure]) -> dict[str, Any]:
    return {
        "images": images,
        "rows": rows,
        "failed": sum(each.count for each in failures.values()),
        "failures": {
            kind: {"images": each.count, "first": each.id, "message": each.message}
            for kind, each in sorted(failures.items())
        },
    }


def _readme(job: dict[str, Any], store: PartStore) -> str:
    failed = sum(each.count for each in store.failures.values())
    model, method = job["resolved"]["model"], job["resolved"]["method"]
    lines = [
        "# Labels",
        "",
        f"{store.rows:,} rows of {store.images:,} images, made by vlmscope {job['version']} with the method "
        f"{method} on {model}. They are a model's guesses, not a person's: look at a sample before you "
        "train on them.",
        "",
        "One row for each object of a phrase in an image. A phrase that nothing lights up for is a row "
        "without a box.",
    ]
    if failed:
        lines += [
            "",
            f"{failed:,} images could not be labelled: their rows have `error` and `message`. The same "
            "command with `--retry failed` tries them again.",
        ]
    lines += [
        "",
        "## Read them",
        "",
        "```python",
        "import pandas",
        "",
        'rows = pandas.read_parquet("parts")',
        "good = rows[rows.error.isna() & rows.box.notna()]",
        "```",
        "",
        "Any reader of Parquet does. Without holding all in memory: "
        f'`for row in vlmscope.labels.LabelFolder.open("{store.folder.parent.name}").rows(): ...`',
        "",
        "## Columns",
        "",
        "| column | type | unit | what it says |",
        "|---|---|---|---|",
        *(f"| {each.name} | {each.kind} | {each.unit} | {each.about} |" for each in FIELDS),
        "",
        f"Two runs of the same job differ in `{SECONDS}` alone. `job.json` holds what was asked for, "
        "`summary.json` the counts and the reasons of failures.",
        "",
    ]
    return "\n".join(lines)
