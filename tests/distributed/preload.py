"""What processes of these tests need, imported once."""

import lightning.pytorch  # noqa: F401  loaded for those who fork from here

import tests.ctr.test_ranks
import tests.quantize.test_ranks  # noqa: F401  loaded for those who fork from here
