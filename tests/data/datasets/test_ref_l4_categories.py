"""Categories of RefCOCO under the numbers of Objects365."""

from __future__ import annotations

import pytest

from vlmscope.data.datasets.ref_l4_categories import merged_category


@pytest.mark.parametrize(
    ("written", "merged"),
    [
        ("refcoco_1", "o365_1"),
        ("refcoco_6", "o365_56"),
        ("refcoco_16", "o365_56"),
        ("refcoco_90", "o365_227"),
        ("refcoco_37", "refcoco_37"),
        ("o365_10", "o365_10"),
        ("10", "10"),
    ],
)
def test_categories_merge(written: str, merged: str) -> None:
    assert merged_category(written) == merged
