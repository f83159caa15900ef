"""Shared fixtures: tiny data and config-built language models; nothing here needs the network."""
