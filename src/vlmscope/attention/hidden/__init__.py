"""Rows of one decoder layer from its input hidden states, which something else has computed."""
