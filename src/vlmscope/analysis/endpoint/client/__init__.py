"""A served model over HTTP: its address and key, pace, budget, retries, and answers kept on disk."""

from vlmscope.analysis.endpoint.client.client import Endpoint
from vlmscope.analysis.endpoint.client.options import EndpointOptions

__all__ = ["Endpoint", "EndpointOptions"]
