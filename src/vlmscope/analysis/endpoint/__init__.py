"""A served model explained by what its answers' log-probabilities lose when parts of a picture are hidden."""

from vlmscope.analysis.endpoint.client import Endpoint, EndpointOptions
from vlmscope.analysis.endpoint.measure import explain_endpoint
from vlmscope.analysis.endpoint.options import ExplainOptions
from vlmscope.analysis.endpoint.result import EndpointExplanation

__all__ = [
    "Endpoint",
    "EndpointExplanation",
    "EndpointOptions",
    "ExplainOptions",
    "explain_endpoint",
]
