"""What a folder of labels holds, and how many of them are right."""

from vlmscope.labels.stats.label_stats import LabelStats, NearImages, label_stats

__all__ = ["LabelStats", "NearImages", "label_stats"]
