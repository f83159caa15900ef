"""Networks and optimizers come from the command line or from a file."""

from pathlib import Path

import torch
from lightning.pytorch.cli import LightningCLI

from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.schema import FeatureSchema


class Tiny(CTRNet):
    """Another network, to be injected."""

    def __init__(self, schema: FeatureSchema, start: float = 0.0) -> None:
        super().__init__()
        self.start = torch.nn.Parameter(torch.tensor(start))

    def forward(self, fields: torch.Tensor) -> torch.Tensor:
        return self.start.expand(len(fields))


def stage(planted: Path, *args: str) -> LightningCLI:
    return LightningCLI(
        CTRModule,
        CTRDataModule,
        run=False,
        args=[f"--data.prepared={planted}", *args],
        save_config_callback=None,
    )


def test_networks_are_injected_by_class_path_or_by_file(planted: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("class_path: userip_lightning.ctr.networks.dcn.DCN\n")
    schema = CTRDataModule(str(planted)).feature_schema
    assert type(stage(planted).model.net(schema)) is DCN
    assert type(stage(planted, f"--model.net={file}").model.net(schema)) is DCN
    cli = stage(planted, "--model.net=tests.ctr.test_injection.Tiny", "--model.net.start=0.5")
    net = cli.model.net(schema)
    assert isinstance(net, Tiny)
    assert net.start.item() == 0.5
    shallow = stage(planted, f"--model.net={file}", "--model.net.cross_layers=1").model.net(schema)
    assert shallow.cross.weight.shape[0] == 1
    fast = stage(planted, "--model.optimizer=torch.optim.SGD", "--model.optimizer.lr=0.1").model
    assert fast.optimizer([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"] == 0.1
