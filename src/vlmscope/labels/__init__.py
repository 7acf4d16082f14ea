"""Labels for folders of any size: rows in Parquet, and what is made of them."""

from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.schema import FIELDS, FORMAT, LabelField

__all__ = ["FIELDS", "FORMAT", "LabelField", "LabelFolder"]
