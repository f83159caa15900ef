"""The engine in a Trainer, and from `userip fit` to a bank."""

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from lightning.pytorch import Trainer
from scipy.sparse import csr_matrix
from sklearn.metrics import adjusted_rand_score

from tests.controls.test_simple import planted
from tests.forged import forge
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.additive_table import AdditiveTable
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.codebooks import are_additive, classes_of, joint_starts
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.recommendation import Recommendation
from userip_lightning.catalogue.steering import Steering
from userip_lightning.cli import main
from userip_lightning.data.labels import Implicit
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.pipeline.metric_names import FIGURES
from userip_lightning.texts.source import NoText

SIZES = {"hobby": 2, "background": 2}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), Implicit())


def trained(
    log: PreparedData, folder: Path, epochs: int = 12, block_users: int = 40, resume=None, **settings
):
    data = CatalogueDataModule(str(log.path), NoText(), block_users=block_users)
    module = CatalogueModule(SIZES, **{"warm": 5, "race": 8, **settings})
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    trainer.fit(module, datamodule=data, ckpt_path=resume)
    return module, trainer


def test_the_bank_holds_the_codes_that_its_table_gives_anybody(log: PreparedData, tmp_path: Path) -> None:
    module, trainer = trained(log, tmp_path)
    bank = FeatureBank.open(module.export(tmp_path / "bank"))
    assert (bank.names, bank.sizes) == (("hobby", "background"), (2, 2))
    codes = bank.lookup(log.users["user_id"].to_numpy().astype(str))
    assert adjusted_rand_score(log.users["hobby"].to_list(), codes @ [2, 1]) > 0.5
    arrays = {name: np.load(bank.path / f"{name}.npy") for name in ("evidence", "log_share", "item_ids")}
    assert arrays["item_ids"].tolist() == log.items["item_id"].to_list()
    table = CodeTable(arrays["evidence"].astype(float), arrays["log_share"].astype(float))
    counts = module.data.events.counts
    assert np.array_equal(codes, split_classes(table.codes(counts), [2, 2]))
    predicted = torch.cat(trainer.predict(module, datamodule=trainer.datamodule))
    assert np.array_equal(codes, predicted.numpy())
    seen = set(np.load(bank.path / "rows_seen.npy").tolist())
    assert seen
    assert not seen & set(log.judged_rows().tolist())


def test_a_run_that_stops_and_goes_on_ends_like_one_that_does_not(log: PreparedData, tmp_path: Path) -> None:
    whole, _ = trained(log, tmp_path / "whole")
    for stopped in (1, 8, 10):  # in the race, at its end, after it
        _, first = trained(log, tmp_path / "first", epochs=stopped)
        first.save_checkpoint(tmp_path / "last.ckpt")
        resumed, _ = trained(log, tmp_path / "second", resume=str(tmp_path / "last.ckpt"))
        assert np.array_equal(resumed.table.evidence, whole.table.evidence)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"strength": 5.0}, r"another strength \(None instead of 5.0\)"),
        ({"seed": 1}, r"another seed \(0 instead of 1\)"),
        ({"starts": 2}, r"another number of starts \(3 instead of 2\)"),
        ({"warm": 6}, r"another warm \(5 instead of 6\)"),
        ({"race": 9}, r"another race \(8 instead of 9\)"),
    ],
)
def test_a_run_goes_on_with_its_own_schedule_and_may_be_prolonged(
    log: PreparedData, tmp_path: Path, changed, message: str
) -> None:
    _, first = trained(log, tmp_path, epochs=2)
    first.save_checkpoint(tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=message):
        trained(log, tmp_path, epochs=4, resume=str(tmp_path / "last.ckpt"), **changed)
    longer, _ = trained(log, tmp_path, epochs=4, resume=str(tmp_path / "last.ckpt"))
    assert longer.search.step == 4


@pytest.mark.parametrize("epochs", [0, -1])
@pytest.mark.parametrize(
    "settings",
    [{"recommendation": Recommendation()}, {"steering": Steering({"hobby": {0: "comet"}})}],
    ids=lambda given: next(iter(given)),
)
def test_an_open_number_of_epochs_is_refused_where_the_last_ones_differ(
    log: PreparedData, tmp_path: Path, settings, epochs: int
) -> None:
    with pytest.raises(InputError, match=rf"max_epochs: {epochs}, .*{next(iter(settings))}.* last epochs"):
        trained(log, tmp_path, epochs, **settings)


def test_blocks_of_one_start_add_up_to_the_whole_log(log: PreparedData, tmp_path: Path) -> None:
    """After the first step, whose random r differ by block, the sums of blocks are those of all users."""
    _, first = trained(log, tmp_path / "a", epochs=1, block_users=1000, starts=1)
    first.save_checkpoint(tmp_path / "last.ckpt")
    ways = [
        trained(log, tmp_path / "b", block_users=size, starts=1, resume=str(tmp_path / "last.ckpt"))[0]
        for size in (1000, 7)
    ]
    np.testing.assert_allclose(ways[0].table.evidence, ways[1].table.evidence, atol=1e-5)


def test_held_out_likelihood_rises_over_the_race(log: PreparedData, tmp_path: Path) -> None:
    module, _ = trained(log, tmp_path, epochs=3)
    early = module.search.starts[0].table
    late = trained(log, tmp_path, epochs=8)[0].search.starts[0].table
    block = next(iter(module.data.train_dataloader()))
    assert late.held_out(block.seen, block.hidden) > early.held_out(block.seen, block.hidden) > 0


def test_an_unused_code_is_named_and_refused_where_it_may_not_be(log: PreparedData, tmp_path: Path) -> None:
    data = CatalogueDataModule(str(log.path), NoText())
    for allowed in (False, True):
        module = CatalogueModule({"hobby": 200, "background": 10}, warm=1, race=2, allow_unused=allowed)
        trainer = Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False)
        trainer.fit(module, datamodule=data)
        if allowed:
            with pytest.warns(UserWarning, match=r"profile 'hobby': codes \[.*\] of 200 .*`model\.sizes`"):
                module.export(tmp_path)
            assert FeatureBank.open(tmp_path).sizes == (200, 10)
        else:
            with pytest.raises(InputError, match=r"lower.*`profiles`.*`model\.sizes`"):
                module.export(tmp_path)
            assert not FeatureBank.exists(tmp_path)


def test_additive_codes_are_exported_with_their_table_and_resumed(log: PreparedData, tmp_path: Path) -> None:
    module, trainer = trained(log, tmp_path, codebooks="additive")
    bank = FeatureBank.open(module.export(tmp_path / "bank"))
    assert bank.sizes == (2, 2)
    table = AdditiveTable(
        *(np.load(bank.path / f"{name}.npy").astype(float) for name in AdditiveTable._fields)
    )
    assert table.evidence.shape[1] == 16
    codes = bank.lookup(log.users["user_id"].to_numpy().astype(str))
    assert np.array_equal(codes, split_classes(table.codes(module.data.events.counts), (2, 2)))
    predicted = torch.cat(trainer.predict(module, datamodule=trainer.datamodule))
    assert np.array_equal(codes, predicted.numpy())
    for stopped in (1, 8, 10):
        _, first = trained(log, tmp_path, epochs=stopped, codebooks="additive")
        first.save_checkpoint(tmp_path / "last.ckpt")
        resumed, _ = trained(log, tmp_path, resume=str(tmp_path / "last.ckpt"), codebooks="additive")
        for mine, theirs in zip(resumed.table, module.table, strict=True):
            assert np.array_equal(mine, theirs)


def test_codebooks_are_joint_as_long_as_classes_are_few() -> None:
    assert not are_additive("auto", (4, 4))
    assert are_additive("auto", (4, 5))
    assert are_additive("auto", (32,))
    assert are_additive("additive", (2, 2))
    assert not are_additive("joint", (64, 64))
    assert classes_of("joint", (5, 4)) == 20
    assert classes_of("auto", (4, 3)) == 12
    assert classes_of("auto", (64, 64)) == 16


def test_more_bits_than_can_be_searched_are_refused() -> None:
    assert are_additive("auto", (256, 256))
    with pytest.raises(
        InputError, match=r"sizes 256, 257 have 65,792 combinations, at most 65,536 \(16 bits\)"
    ):
        are_additive("auto", (256, 257))


def test_a_joint_table_too_large_for_any_memory_is_refused() -> None:
    with pytest.raises(InputError, match=r"16859 kinds of events × 65536 combinations .*`model\.sizes`"):
        joint_starts(csr_matrix((3, 16_859)), 65_536, False, None, None, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": {"a": 0}}, "one or more codes per profile"),
        ({"starts": 0}, "at least 1"),
        ({"strength": 0.0}, "above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        CatalogueModule(**settings)


def test_a_column_that_is_not_there_is_named(log: PreparedData) -> None:
    with pytest.raises(InputError, match="no column 'plot'; there are item_id, title"):
        CatalogueDataModule(str(log.path), columns=["plot"]).setup("fit")


def test_permuted_texts_are_all_there_each_with_another_item(log: PreparedData) -> None:
    found = {}
    for seed, permuted in [(0, False), (0, True), (1, True)]:
        data = CatalogueDataModule(str(log.path), seed=seed, permute_text=permuted)
        data.setup("fit")
        assert data.vectors is not None
        found[seed, permuted] = data
    own, other, third = (data.vectors for data in found.values())
    assert sorted(map(tuple, own)) == sorted(map(tuple, other)) == sorted(map(tuple, third))
    moved = (own != other).any(axis=1)
    twins = len(own) - len(np.unique(own, axis=0))
    assert (~moved).sum() <= twins  # nobody keeps a text but where two items have the same
    assert not np.array_equal(other, third)
    assert (found[0, False].events.counts != found[0, True].events.counts).nnz == 0


def test_a_log_without_texts_is_coded_by_its_counts(log: PreparedData, tmp_path: Path) -> None:
    blank = tmp_path / "prepared"
    blank.mkdir()
    for file in log.path.iterdir():
        (blank / file.name).write_bytes(file.read_bytes())
    items = log.items.with_columns(title=pl.lit(None, dtype=pl.String))
    items.write_parquet(blank / "items.parquet")
    forge(blank)
    data = CatalogueDataModule(str(blank))
    with pytest.warns(UserWarning, match="codes come from counts alone"):
        data.setup("fit")
    assert data.vectors is None


def test_fit_with_the_catalogue_engine_goes_from_log_to_report(config: Path, tmp_path: Path, capsys) -> None:
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--engine", "catalogue"]
    few = '{"class_path": "RandomSplit", "init_args": {"ratios": [1, 6, 6]}}'
    words += ["--catalogue.model.sizes", '{"hobby": 2, "background": 2}', "--data.split", few]
    assert main(words) == 0
    results = json.loads((tmp_path / "tiny" / "results.json").read_text())
    assert 0 < results["unknown"]["users"] <= 20  # of the 40 users, those who are judged and not learned from
    assert f"{results['unknown']['users']} of the" in (tmp_path / "tiny" / "report.md").read_text()
    stages = {run["stage"] for run in results["runs"]}
    assert stages == {"catalogue", "ctr"}
    assert "no soft tokens" in results["not_run"]["stage 1"]
    figures = next(run for run in results["runs"] if run["stage"] == "catalogue")["figures"]
    assert {name for name in figures if name.startswith("catalogue/")} <= {figure.name for figure in FIGURES}
    assert 0 <= figures["catalogue/entropy"] <= 1
    assert math.isfinite(figures["catalogue/smallest"])
    capsys.readouterr()
    assert main(words) == 0
    assert "catalogue/seed1: nothing changed, kept" in capsys.readouterr().err
    assert main([*words, "--stages", "profile"]) == 2
    assert "makes codes in catalogue" in capsys.readouterr().err
