"""What holds for every network, with two fields and with more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn.functional import binary_cross_entropy_with_logits

from userip_lightning.batches import CTRBatch
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.layers.frozen_vectors import FrozenVectors
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.afm import AFM
from userip_lightning.ctr.networks.afn import AFN
from userip_lightning.ctr.networks.autoint import AutoInt
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.biased_mf import BiasedMF
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.networks.dcnv2 import DCNv2
from userip_lightning.ctr.networks.deepfm import DeepFM
from userip_lightning.ctr.networks.difm import DIFM
from userip_lightning.ctr.networks.ffm import FFM
from userip_lightning.ctr.networks.fibinet import FiBiNET
from userip_lightning.ctr.networks.logistic import Logistic
from userip_lightning.ctr.networks.onn import ONN
from userip_lightning.ctr.networks.pnn import PNN
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.schema import FeatureSchema, Field

SIZES = {"user_id": 7, "item_id": 11, "hobby": 4, "background": 3, "age": 5, "year": 6, "genre": 8, "sex": 2}
REFERENCES = [Logistic, BiasedMF]
NETWORKS = [AFM, AFN, AutoInt, DCN, DCNv2, DeepFM, DIFM, FFM, FiBiNET, ONN, PNN]


def schema_of(count: int) -> FeatureSchema:
    return FeatureSchema(tuple(Field(name, size) for name, size in list(SIZES.items())[:count]))


def rows(schema: FeatureSchema, count: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.stack([torch.randint(field.size, (count,)) for field in schema.fields], dim=1)


def build(network: type[CTRNet], schema: FeatureSchema, seed: int = 0) -> CTRNet:
    """A network whose embeddings are large enough for every part of it to matter."""
    torch.manual_seed(seed)
    net = network(schema)
    with torch.no_grad():
        for table in net.tables():
            table.mul_(30)
    return net


every_network = pytest.mark.parametrize("network", [*NETWORKS, *REFERENCES], ids=lambda net: net.__name__)
two_five_and_eight_fields = pytest.mark.parametrize("count", [2, 5, 8])


@two_five_and_eight_fields
@every_network
def test_one_logit_per_row_that_depends_on_that_row_alone(network: type[CTRNet], count: int) -> None:
    net = build(network, schema_of(count)).eval()
    fields = rows(schema_of(count), 6)
    logits = net(fields)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert logits.shape == (6,)
    assert logits.unique().numel() > 1
    assert torch.allclose(net(fields[order]), logits[order], atol=1e-5)
    assert torch.allclose(net(fields[2:3]), logits[2:3], atol=1e-5)


@two_five_and_eight_fields
@every_network
def test_every_parameter_and_every_column_of_a_table_learns(network: type[CTRNet], count: int) -> None:
    net = build(network, schema_of(count))
    fields = rows(schema_of(count), 256)
    binary_cross_entropy_with_logits(net(fields), (fields.sum(dim=1) % 2).float()).backward()
    still = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []
    assert all(table.grad.any(dim=0).all() for table in net.tables())


@every_network
def test_only_the_references_are_blind_to_further_fields(network: type[CTRNet]) -> None:
    net = build(network, schema_of(5)).eval()
    fields = rows(schema_of(5), 6)
    other = fields.clone()
    other[:, 2] = (other[:, 2] + 1) % SIZES["hobby"]
    same = torch.equal(net(fields), net(other))
    assert same == (network in REFERENCES)


@every_network
def test_embeddings_lie_in_fused_tables_alone(network: type[CTRNet]) -> None:
    net = network(schema_of(5))
    embeddings = [module for module in net.modules() if isinstance(module, torch.nn.Embedding)]
    assert {id(module.weight) for module in embeddings} == {id(table) for table in net.tables()}


@every_network
def test_a_field_may_be_frozen_vectors_and_gradients_may_be_sparse(network: type[CTRNet]) -> None:
    vectors = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    net = build(network, FeatureSchema((*schema_of(3).fields, Field("z_hobby", 4, vectors))))
    net.row_sparse(True)
    net(rows(schema_of(4), 64)).square().sum().backward()
    assert all(table.grad.is_sparse for table in net.tables())
    maps = [module.project.weight for module in net.modules() if isinstance(module, FrozenVectors)]
    assert all(weight.grad.any() for weight in maps)
    assert bool(maps) == (network not in REFERENCES)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@every_network
def test_a_batch_of_one_row(network: type[CTRNet], dtype: torch.dtype, mode: str) -> None:
    net = build(network, schema_of(2)).train(mode == "train")
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        logits = net(rows(schema_of(2), 1))
    assert logits.shape == (1,)
    logits.float().square().sum().backward()
    assert all(table.grad.isfinite().all() for table in net.tables())


@two_five_and_eight_fields
@every_network
def test_no_rows_no_logits(network: type[CTRNet], count: int) -> None:
    net = build(network, schema_of(count)).eval()
    assert net(torch.empty(0, count, dtype=torch.int64)).shape == (0,)


@every_network
def test_a_network_is_built_by_its_bare_name(network: type[CTRNet]) -> None:
    parser = FreshClassParser(exit_on_error=False)
    parser.add_argument("--net", type=Callable[[FeatureSchema], CTRNet], enable_path=True)
    config = parser.parse_args([f"--net={network.__name__}"])
    assert type(parser.instantiate(config).net(schema_of(5))) is network


@every_network
def test_autocast_changes_logits_by_no_more_than_its_precision(network: type[CTRNet]) -> None:
    net = build(network, schema_of(5)).eval()
    fields = rows(schema_of(5), 64)
    exact = net(fields)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(fields)
    assert (rough.float() - exact).abs().max() < 0.03 * exact.abs().max()
    rough.float().sum().backward()
    assert all(weight.grad.isfinite().all() for weight in net.parameters() if weight.grad is not None)


@every_network
def test_its_state_is_all_there_is(network: type[CTRNet]) -> None:
    fields = rows(schema_of(5), 32)
    net = build(network, schema_of(5))
    net(fields)  # batch normalization keeps what it saw
    again = build(network, schema_of(5), seed=1)
    assert not torch.allclose(again.eval()(fields), net.eval()(fields))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(fields), net(fields))


class Losses(Callback):
    """The training loss of every step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: CTRBatch, batch_idx: int
    ) -> None:
        self.seen.append(float(outputs["loss"]))


@every_network
def test_its_loss_falls_in_the_trainer(network: type[CTRNet], planted: Path, tmp_path: Path) -> None:
    losses = Losses()
    trainer = Trainer(
        default_root_dir=tmp_path,
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        callbacks=[losses],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
    )
    module = CTRModule(net=network, optimizer=lambda weights: torch.optim.Adam(weights, lr=0.02), l2=0.0)
    trainer.fit(module, CTRDataModule(str(planted), batch_size=64))
    first, second, third = torch.tensor(losses.seen).view(3, -1).mean(dim=1).tolist()
    assert third < second < first < 0.8
