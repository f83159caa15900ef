"""Codes where they are needed: stores that a ranking service reads."""
