"""Codes for a whole population of users, also for those that no training has seen."""
