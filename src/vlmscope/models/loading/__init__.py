"""From an id, a folder or what the user holds to a model: weights, processors, devices, refusals."""
