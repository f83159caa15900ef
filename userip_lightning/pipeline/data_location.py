"""The name of the published data set in a configuration becomes its folder, as late as possible.

`path: ml-100k` means the same on every machine, so configurations and hashes keep the name; only the
reader that is about to be built sees a folder of this one. (Language models resolve their own names.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from userip_lightning.assets import ML_100K, ensure_ml100k


def locate_data(values: object, report: Callable[[str], None]) -> Any:
    """The same nested lists and dicts with every ``ml-100k`` replaced by the folder it is cached in.

    Args:
        values: arguments of Preparation, JSON values.
        report: is told what is being fetched.

    Raises:
        InputError: the data set is not in the cache and cannot be fetched.
    """
    if isinstance(values, dict):
        return {key: locate_data(value, report) for key, value in values.items()}
    if isinstance(values, list):
        return [locate_data(value, report) for value in values]
    return str(ensure_ml100k(report=report)) if values == ML_100K else values
