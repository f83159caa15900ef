"""`userip pepler|rella fit|validate|test|predict`; apart, for what their stages import takes seconds."""

from __future__ import annotations

from functools import partial

from userip_lightning.cli.stage import run_stage
from userip_lightning.pipeline.baseline_stages import PEPLER, RELLA

pepler, rella = partial(run_stage, PEPLER), partial(run_stage, RELLA)
