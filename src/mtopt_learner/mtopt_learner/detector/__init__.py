"""Success detectors: labelled outcomes, what is trained on them, how good it is elsewhere."""
