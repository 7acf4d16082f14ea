"""Every format of labels, one line each."""

from __future__ import annotations

from vlmscope.export.formats.base import LabelFormat
from vlmscope.export.formats.coco import COCO
from vlmscope.export.formats.fiftyone import FIFTYONE
from vlmscope.export.formats.label_studio import LABEL_STUDIO
from vlmscope.export.formats.table import CSV
from vlmscope.export.formats.voc import VOC
from vlmscope.export.formats.webdataset import WEBDATASET
from vlmscope.export.formats.yolo import YOLO
from vlmscope.registry import Registry

__all__ = ["LABEL_FORMATS"]

LABEL_FORMATS: Registry[LabelFormat] = Registry(
    "format", (COCO, YOLO, VOC, CSV, LABEL_STUDIO, WEBDATASET, FIFTYONE)
)
"""Formats by id."""
