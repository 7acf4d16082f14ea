"""Labels in the formats of other tools, written image by image."""

from vlmscope.export.formats.base import ExportJob, LabelFormat
from vlmscope.export.formats.catalogue import LABEL_FORMATS
from vlmscope.export.formats.keys import FileKeys, KeyCounter
from vlmscope.export.formats.labelled import LabelledImage, LabelledObject

__all__ = [
    "LABEL_FORMATS",
    "ExportJob",
    "FileKeys",
    "KeyCounter",
    "LabelFormat",
    "LabelledImage",
    "LabelledObject",
]
