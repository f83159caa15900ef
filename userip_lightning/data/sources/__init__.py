"""Readers, one per format, and the synthetic log of planted profiles."""
