"""Heads drawn to a place of the image: what the model answers then, and how often it follows."""

from vlmscope.analysis.steering.answer import SteeredAnswer, steer, steered_answer
from vlmscope.analysis.steering.options import SteerOptions
from vlmscope.analysis.steering.result import SteeringTrial
from vlmscope.analysis.steering.trial import steering_trial

__all__ = [
    "SteerOptions",
    "SteeredAnswer",
    "SteeringTrial",
    "steer",
    "steered_answer",
    "steering_trial",
]
