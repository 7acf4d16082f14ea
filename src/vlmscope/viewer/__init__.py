"""A result as a document that one viewer draws, in a page, in a notebook and in the app.

Imports nothing of the package but errors, files and the version: every result can make a view of itself.
"""

from vlmscope.viewer.bundle import Bundle, shipped
from vlmscope.viewer.container import FORMAT, MIME, VERSION
from vlmscope.viewer.picture import Picture
from vlmscope.viewer.view import View

__all__ = ["FORMAT", "MIME", "VERSION", "Bundle", "Picture", "View", "shipped"]
