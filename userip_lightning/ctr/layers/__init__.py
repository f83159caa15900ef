"""Layers that CTR networks share."""
