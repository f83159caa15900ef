"""Counts in messages and reports."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 user, 2,000 users."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
