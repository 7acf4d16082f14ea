"""Results in the formats that other tools read: index PNG, COCO JSON, YOLO text files."""

from vlmscope.export.coco import check_coco, coco_annotations, coco_document, instance_annotations
from vlmscope.export.folder import FORMATS, ResultFolder, keys_of
from vlmscope.export.indexed import IndexedImage, index_image
from vlmscope.export.yolo import instance_lines, yolo_data, yolo_lines
from vlmscope.post.polygons import mask_polygons

__all__ = [
    "FORMATS",
    "IndexedImage",
    "ResultFolder",
    "check_coco",
    "coco_annotations",
    "coco_document",
    "index_image",
    "instance_annotations",
    "instance_lines",
    "keys_of",
    "mask_polygons",
    "yolo_data",
    "yolo_lines",
]
