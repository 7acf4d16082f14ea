"""A sample of the labels for a person to accept or reject."""

from vlmscope.labels.audit.decisions import DECISIONS, VERDICTS, Decision, Decisions
from vlmscope.labels.audit.page import AuditPage, audit_labels
from vlmscope.labels.audit.sample import AuditSample, SampledObject, sample_objects
from vlmscope.labels.audit.strata import Stratum

__all__ = [
    "DECISIONS",
    "VERDICTS",
    "AuditPage",
    "AuditSample",
    "Decision",
    "Decisions",
    "SampledObject",
    "Stratum",
    "audit_labels",
    "sample_objects",
]
