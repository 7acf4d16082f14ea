"""What ``vlmscope clip`` and ``vlmscope ground --together`` have in common."""
