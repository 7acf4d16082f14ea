"""The columns of a label: one row for each object of a phrase in an image.

A phrase that nothing lights up for is a row without a box. An image that could not be labelled is one
row with ``error``. Rows of an image stand together in one part, in the order of its phrases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vlmscope.errors import MissingExtraError

__all__ = ["FIELDS", "FORMAT", "SECONDS", "LabelField", "arrow_schema"]

FORMAT = "vlmscope-labels/1"
"""Of job.json and of the parts' metadata; another number is another meaning of the columns."""

SECONDS = "seconds"
"""The only column that may differ between two runs of the same job."""


@dataclass(frozen=True)
class LabelField:
    """A column.

    Attributes:
        name: of the column.
        kind: string, int32, uint64, float64, list<float64>, list<string>, or rle: a struct of ``size``,
            int32 [height, width], and ``counts``, COCO's text of run lengths.
        unit: of its numbers; "" where they have none.
        about: what it says.
        required: never null.
    """

    name: str
    kind: str
    unit: str
    about: str
    required: bool = False


FIELDS: tuple[LabelField, ...] = (
    LabelField("id", "string", "", "of the image: its path within the source, or a column's", True),
    LabelField("phrase", "string", "", "what was looked for; null in the row of a failed image"),
    LabelField("instance", "int32", "", "number of the object of this phrase, best first, from 0"),
    LabelField(
        "box", "list<float64>", "pixels", "x0, y0, x1, y1 of the upright image; null: nothing"
    ),
    LabelField("point", "list<float64>", "pixels", "x, y of the peak; null: nothing lights up"),
    LabelField(
        "score", "float64", "", "how strongly the object lights up; comparable within a method"
    ),
    LabelField(
        "presence", "float64", "", "whether the phrase is in the image at all; higher: surer"
    ),
    LabelField(
        "mask", "rle", "", "COCO run lengths of the upright image; null: none was asked for"
    ),
    LabelField("width", "int32", "pixels", "of the upright image"),
    LabelField("height", "int32", "pixels", "of the upright image"),
    LabelField("warnings", "list<string>", "", "what to read before trusting the row", True),
    LabelField("method", "string", "", "id of the method", True),
    LabelField("model", "string", "", "id or folder of the model, as it was given", True),
    LabelField("revision", "string", "", "of the model's weights; null: not known"),
    LabelField("heads", "string", "", "digest of the chosen heads; null: the method takes none"),
    LabelField("version", "string", "", "of vlmscope", True),
    LabelField(
        "picture_hash",
        "uint64",
        "",
        "of the picture as a whole: near-duplicates differ in few bits",
    ),
    LabelField("error", "string", "", "class of the error; null: the image was labelled"),
    LabelField("message", "string", "", "the error's sentence"),
    LabelField(
        SECONDS, "float64", "s", "spent on the image, shared out evenly over its rows", True
    ),
)
"""In the order of the file."""


def arrow_schema(metadata: dict[str, str] | None = None) -> Any:
    """The columns as pyarrow has them, each with its unit and meaning in its metadata.

    Args:
        metadata: of the file, beside ``format``.

    Raises:
        MissingExtraError: without pyarrow.
    """
    try:
        import pyarrow as arrow
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Labels in Parquet") from error
    kinds = {
        "string": arrow.string(),
        "int32": arrow.int32(),
        "uint64": arrow.uint64(),
        "float64": arrow.float64(),
        "list<float64>": arrow.list_(arrow.float64()),
        "list<string>": arrow.list_(arrow.string()),
        "rle": arrow.struct([("size", arrow.list_(arrow.int32())), ("counts", arrow.string())]),
    }
    fields = [
        arrow.field(
            each.name,
            kinds[each.kind],
            nullable=not each.required,
            metadata={"unit": each.unit, "about": each.about},
        )
        for each in FIELDS
    ]
    return arrow.schema(fields, metadata={"format": FORMAT, **(metadata or {})})
