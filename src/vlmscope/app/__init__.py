"""A local server around the viewer: one model, one queue, pictures that stay in memory.

Needs the extra ``app`` (fastapi, uvicorn); nothing of it is imported before the app is made.
"""

from vlmscope.app.settings import AppSettings, Limits

__all__ = ["AppSettings", "Limits"]
