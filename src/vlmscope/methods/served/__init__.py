"""Grounding from what a serving engine has computed: hidden states in a file, and the request."""

from vlmscope.methods.served.ground import ground_served
from vlmscope.methods.served.request import ServedRequest
from vlmscope.methods.served.states import ServedStates

__all__ = ["ServedRequest", "ServedStates", "ground_served"]
