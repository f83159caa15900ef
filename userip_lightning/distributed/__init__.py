"""Several processes (ranks) that take one optimizer step together, with the result of one process.

A step is that of one process on the whole batch: every rank takes a part of its rows (``part``), draws the
random numbers that these rows would get in the whole batch (``randomness``), and gradients of the parts are
added up (``gradients``). ``step`` is what a module calls.
"""
