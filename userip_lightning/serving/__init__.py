"""Codes for services: where they are kept and how they are read, with numpy and polars alone."""
