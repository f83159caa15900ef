"""Codes of a finished experiment, brought up to date with events that came later."""
