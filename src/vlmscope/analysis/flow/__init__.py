"""Attention flow: who reads whom, layer by layer (docs/methods/attention-flow.md)."""

from vlmscope.analysis.flow.measure import FlowOptions, attention_flow
from vlmscope.analysis.flow.result import AttentionFlow

__all__ = ["AttentionFlow", "FlowOptions", "attention_flow"]
