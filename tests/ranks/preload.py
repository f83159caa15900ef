"""What processes of these tests need, imported once."""

import lightning.pytorch  # noqa: F401

import tests.ctr.test_ranks
import tests.quantize.test_ranks  # noqa: F401
