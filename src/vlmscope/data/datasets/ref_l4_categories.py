"""Ref-L4's categories: those of RefCOCO that Objects365 has, too, count as Objects365's."""

from __future__ import annotations

__all__ = ["merged_category"]

_PAIRS = """
    1:1 2:47 3:6 4:59 5:115 6:56 7:117 8:66 9:22 10:41 11:177 13:128 14:250 15:25 16:56 17:140
    18:93 19:79 20:100 21:97 22:145 23:296 24:179 25:181 27:39 28:40 31:13 32:44 33:194 34:220
    35:119 36:174 38:155 39:138 40:114 41:146 42:147 43:205 44:9 46:36 47:11 48:89 49:85 50:94
    51:26 52:113 53:83 54:266 55:104 56:142 57:153 58:235 59:144 60:151 61:98 62:3 63:51 64:26
    65:76 67:98 70:154 72:37 73:74 74:116 75:133 76:107 77:62 78:164 79:135 80:278 81:82 82:134
    84:19 85:95 86:31 87:170 88:70 89:328 90:227
"""  # number of COCO : number of Objects365, as the data set's own evaluation pairs them

_MERGED = {
    f"refcoco_{coco}": f"o365_{other}"
    for coco, other in (pair.split(":") for pair in _PAIRS.split())
}


def merged_category(category: str) -> str:
    """``refcoco_1`` -> ``o365_1``; any other category as it is.

    Two of COCO may be one of Objects365 (6 and 16 are both 56); 37 has no counterpart.
    """
    return _MERGED.get(category, category)
