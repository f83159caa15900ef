"""Frozen models of language that turn texts into vectors."""
