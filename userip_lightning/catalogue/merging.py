"""Codes that become one: their users are one class, whose events are those of both.

p(e | merged) = Σ_c π_c p(e | c) / Σ_c π_c over the classes c that become one, so of a user's first event the
table says what the two classes said. Of several events it says less: which of the two a user belongs to is
forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from userip_lightning.catalogue.joint_table import CodeTable


def merged_codes(
    sizes: Mapping[str, int], groups: Mapping[str, Sequence[Sequence[int]]]
) -> dict[str, list[int]]:
    """Profile to the new code of each of its codes; groups as in ``Steering.merge``."""
    found = {}
    for profile, size in sizes.items():
        first = {code: min(group) for group in groups.get(profile, ()) for code in group}
        kept = sorted({first.get(code, code) for code in range(size)})
        found[profile] = [kept.index(first.get(code, code)) for code in range(size)]
    return found


def merged_sizes(sizes: Mapping[str, int], groups: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, int]:
    """K_p by profile name, afterwards."""
    return {profile: max(codes) + 1 for profile, codes in merged_codes(sizes, groups).items()}


def merged_table(
    table: CodeTable, sizes: Mapping[str, int], groups: Mapping[str, Sequence[Sequence[int]]]
) -> CodeTable:
    """The table of the merged codes; classes in the order of their combinations, before and after."""
    new = merged_codes(sizes, groups)
    after = tuple(max(codes) + 1 for codes in new.values())
    combinations = np.unravel_index(np.arange(len(table.log_share)), tuple(sizes.values()))
    codes = [np.asarray(of)[place] for of, place in zip(new.values(), combinations, strict=True)]
    target: NDArray[np.int64] = np.ravel_multi_index(tuple(codes), after)
    parts = [np.flatnonzero(target == c) for c in range(int(np.prod(after)))]
    share = np.array([logsumexp(table.log_share[part]) for part in parts])
    evidence = [
        logsumexp(table.evidence[:, part] + table.log_share[part], axis=1) - total
        for part, total in zip(parts, share, strict=True)
    ]
    return CodeTable(np.stack(evidence, axis=1), share)
