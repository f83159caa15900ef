"""The decoder's weights divided among the processes of a run (FSDP), for an LM larger than one card.

Every process keeps 1/N of each block and gathers a block for the moment in which it is computed. The users
are divided as they are without it, so all cards work at once; spreading the layers over the cards of one
process would keep all but one idle. Embeddings and head stay whole on every process: soft tokens start from
them and chunks of logits read them.

A gather waits for every process: all of them must run the language model equally often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def refuse_one_process() -> None:
    """Ask for several processes before anything is loaded.

    Raises:
        InputError: there is one.
    """
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        raise InputError(
            "lm.sharded: weights are divided among processes, but this run has one; set "
            "profile.trainer.devices (or num_nodes) above 1, or lm.sharded to false."
        )


def decoder_blocks(model: PreTrainedModel) -> nn.ModuleList:
    """The blocks of a causal LM: its outermost list of modules.

    Raises:
        InputError: the model has no list of blocks.
    """
    base = model.base_model
    for module in base.modules():
        if isinstance(module, nn.ModuleList):
            return module
    raise InputError(
        f"lm.sharded: {type(base).__name__} has no list of blocks to divide; set lm.sharded to false."
    )


def shard_blocks(model: PreTrainedModel) -> None:
    """Divide the blocks of a causal LM among all processes, in place.

    The blocks move to the current device of each process; what is not divided moves with the caller.

    Raises:
        InputError: see :func:`decoder_blocks`.
    """
    base, blocks = model.base_model, decoder_blocks(model)
    device = "cuda" if torch.cuda.is_available() and distributed.get_backend() != "gloo" else "cpu"
    mesh = init_device_mesh(device, (distributed.get_world_size(),))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    inside = {id(weight) for weight in blocks.parameters()}
    # the root divides nothing itself; it lets one block be gathered while another is computed
    fully_shard(base, mesh=mesh, ignored_params={p for p in base.parameters() if id(p) not in inside})
