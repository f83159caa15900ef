"""What a table of the catalogue engine depends on; a checkpoint of another one is not gone on with."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from userip_lightning.catalogue.module import CatalogueModule


def identity_of(module: CatalogueModule) -> dict[str, object]:
    """What the module's table depends on, by name; JSON values.

    EM alone may take more steps than were planned, so their number counts only where something follows it.
    """
    steering, recommendation = module.steering, module.recommendation
    ends = recommendation is not None or bool(steering.anchors)
    return {
        "data": module.data.manifest.config_hash,
        "sizes": module.sizes,
        "codebooks": "additive" if module.additive else "joint",
        "recommendation": None if recommendation is None else asdict(recommendation),
        "anchors": [steering.anchors, steering.strength, steering.steps] if steering.anchors else None,
        "number of EM steps": module.search.schedule.last if ends else None,
        "number of starts": module.n_starts,
        **{name: getattr(module, name) for name in ("strength", "seed", "warm", "race")},
        **module.data.reading,
    }
