"""The page of an evaluation: one file, pictures inside."""

from vlmscope.evaluation.page.page import evaluation_page

__all__ = ["evaluation_page"]
