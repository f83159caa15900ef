"""Knowledge in front of all eleven networks."""

import copy
from inspect import signature

import numpy as np
import pytest
import torch
import yaml
from jsonargparse import ArgumentParser
from torch.nn.functional import binary_cross_entropy_with_logits

from tests.ctr.test_networks import NETWORKS
from userip_lightning.baselines.kar.adaptor import FACT, PREFERENCE
from userip_lightning.baselines.kar.network import KnowledgeNet
from userip_lightning.ctr.layers.frozen_vectors import FrozenVectors
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.biased_mf import BiasedMF
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema, Field

RNG = np.random.default_rng(0)
USERS = np.vstack([np.zeros(6), RNG.standard_normal((8, 6))]).astype(np.float32)
ITEMS = np.vstack([np.zeros(6), RNG.standard_normal((5, 6))]).astype(np.float32)
SCHEMA = FeatureSchema(
    (
        Field("user_id", 9),
        Field("item_id", 6),
        Field("user_knowledge", 9, USERS),
        Field("item_knowledge", 6, ITEMS),
        Field("user_age", 3),
    )
)

every_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda net: net.__name__)


def build(network: type[CTRNet] = DCN, **settings) -> KnowledgeNet:
    torch.manual_seed(0)
    net = KnowledgeNet(SCHEMA, network, **{"expert_hidden": (7,), "width": 4, **settings})
    with torch.no_grad():
        for table in net.tables():
            table.mul_(30)
        for layer in maps(net):
            layer.project.weight.mul_(30)
    return net


def maps(net: KnowledgeNet) -> list[FrozenVectors]:
    return [module for module in net.modules() if isinstance(module, FrozenVectors)]


def rows(count: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.stack([torch.randint(field.size, (count,)) for field in SCHEMA.fields], dim=1)


@every_network
def test_every_expert_learns_and_the_vectors_stay(network):
    before = USERS.copy()
    net = build(network)
    net.row_sparse(True)
    fields = rows(256)
    optimizer = RowAdam(net.parameters())
    binary_cross_entropy_with_logits(net(fields), (fields.sum(dim=1) % 2).float()).backward()
    still = [name for name, weight in net.adaptor.named_parameters() if not weight.grad.any()]
    assert still == []
    assert all(table.grad.is_sparse for table in net.tables())
    optimizer.step()
    assert np.array_equal(USERS, before)
    shapes = {tuple(tensor.shape) for tensor in net.state_dict().values()}
    assert shapes.isdisjoint({USERS.shape, ITEMS.shape})


@every_network
def test_it_is_the_network_with_adapted_vectors_as_fields(network):
    """Against the plain network whose fields carry what the adaptor makes of every user and item."""
    net = build(network).eval()
    with torch.no_grad():
        adapted = {
            "user_knowledge": net.adaptor(torch.from_numpy(USERS), PREFERENCE).numpy(),
            "item_knowledge": net.adaptor(torch.from_numpy(ITEMS), FACT).numpy(),
        }
    plain = FeatureSchema(
        tuple(Field(field.name, field.size, adapted.get(field.name)) for field in SCHEMA.fields)
    )
    reference = network(plain).eval()
    reference.load_state_dict(net.network.state_dict())
    fields = rows(40)
    expected = reference(fields)
    assert expected.std() > 1e-4
    assert torch.allclose(net(fields), expected, atol=1e-5)


@every_network
def test_knowledge_of_the_user_and_of_the_item_reach_the_score(network):
    net = build(network).eval()
    fields = rows(64)
    for column in (2, 3):
        other = fields.clone()
        other[:, column] = (other[:, column] + 1) % SCHEMA.fields[column].size
        assert not torch.allclose(net(fields), net(other), atol=1e-6)


def test_tables_are_those_of_the_network_and_a_copy_is_whole():
    net = build()
    assert [id(table) for table in net.tables()] == [id(table) for table in net.network.tables()]
    fields = rows(16)
    twin = copy.deepcopy(net).eval()
    expected = net.eval()(fields)
    with torch.no_grad():
        for weight in net.adaptor.parameters():
            weight.zero_()
    assert torch.equal(twin(fields), expected)  # has an adaptor of its own
    assert not torch.allclose(net(fields), expected)


def test_the_adaptor_runs_once_per_side_on_different_users_and_items():
    net, seen = build(), []
    net.adaptor.register_forward_hook(lambda module, args, output: seen.append((args[1], len(args[0]))))
    fields = rows(64)
    fields[:, 2:4] = fields[:, 2:4].clamp(max=3)
    net(fields)
    assert len(maps(net)) == 4  # two fields in two tables
    assert seen == [(PREFERENCE, 4), (FACT, 4)]


def test_no_rows_no_logits():
    assert build().eval()(torch.empty(0, 5, dtype=torch.int64)).shape == (0,)


@pytest.mark.parametrize(
    ("schema", "network", "message"),
    [
        (FeatureSchema(SCHEMA.fields[:3]), DCN, "needs the field 'item_knowledge'"),
        (FeatureSchema((*SCHEMA.fields[:3], Field("item_knowledge", 6))), DCN, "needs the field 'item_knowl"),
        (SCHEMA, BiasedMF, "BiasedMF reads no knowledge"),
        (
            FeatureSchema((*SCHEMA.fields[:3], Field("item_knowledge", 6, np.zeros((6, 3), np.float32)))),
            DCN,
            "widths 3 and 6",
        ),
    ],
)
def test_what_it_cannot_read_is_refused(schema, network, message):
    with pytest.raises(InputError, match=message):
        KnowledgeNet(schema, network)


@pytest.mark.parametrize("form", ["class path", "file"])
def test_it_is_configured_like_any_network(form, tmp_path):
    (tmp_path / "pnn.yaml").write_text("class_path: userip_lightning.ctr.networks.pnn.PNN\n")
    pnn = {"class_path": "userip_lightning.ctr.networks.pnn.PNN", "init_args": {"embedding_dim": 5}}
    inner = pnn if form == "class path" else "pnn.yaml"  # beside the file that names it
    settings = {"shared_experts": 1, "dedicated_experts": 2, "expert_hidden": [9], "width": 3}
    path = "userip_lightning.baselines.kar.network.KnowledgeNet"
    net = {"class_path": path, "init_args": {"net": inner, **settings}}
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(net))
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(CTRModule, "model", sub_configs=True)
    (tmp_path / "whole.yaml").write_text(yaml.safe_dump({"model": {"net": net}}))
    (tmp_path / "named.yaml").write_text(yaml.safe_dump({"model": {"net": "net.yaml"}}))
    for file in ("whole.yaml", "named.yaml"):
        module = parser.instantiate_classes(parser.parse_path(tmp_path / file)).model
        built = module.net(SCHEMA)
        assert isinstance(built, KnowledgeNet)
        assert type(built.network).__name__ == "PNN"
        assert len(built.adaptor.shared) == 1
        assert maps(built)[0].project.weight.shape[1] == 3
    plain = parser.parse_object({"model": {"net": {"class_path": net["class_path"]}}})
    assert type(parser.instantiate_classes(plain).model.net(SCHEMA).network) is DCN


@every_network
def test_a_configuration_that_had_another_network_leaves_it_nothing(network):
    """jsonargparse keeps settings of the class before where the next one has some of the same names."""
    own = set(signature(KnowledgeNet).parameters)
    assert own & set(signature(network).parameters) == {"schema"}
