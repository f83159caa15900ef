"""The networks of deepctr-torch 0.3.0, and their weights under the names of ours.

Every mapping is loaded strictly: a weight of ours that theirs does not determine is an error.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn

from userip_lightning.ctr.networks.afm import AFM
from userip_lightning.ctr.networks.afn import AFN
from userip_lightning.ctr.networks.autoint import AutoInt
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.networks.dcnv2 import DCNv2
from userip_lightning.ctr.networks.deepfm import DeepFM
from userip_lightning.ctr.networks.difm import DIFM
from userip_lightning.ctr.networks.fibinet import FiBiNET
from userip_lightning.ctr.networks.onn import ONN
from userip_lightning.ctr.networks.pnn import PNN
from userip_lightning.schema import FeatureSchema

with patch(
    "threading.Thread.start"
) as held_back:  # its import asks the package index for a newer version, in a thread
    import deepctr_torch.models as deepctr
    from deepctr_torch.inputs import SparseFeat

Weights = dict[str, Tensor]
DIM, HIDDEN = 8, (6, 5)
MLP = {"dnn_hidden_units": HIDDEN}  # as theirs calls it


class Pair(NamedTuple):
    """A network of ours, theirs with the same settings, and how its weights become ours."""

    ours: Callable[[FeatureSchema], CTRNet]
    theirs: Callable[[list[SparseFeat]], nn.Module]
    weights: Callable[[Any], Weights]


def reference(pair: Pair, schema: FeatureSchema) -> nn.Module:
    """Their network in float64, weights (and running statistics) at random, giving logits."""
    columns = [SparseFeat(field.name, field.size, embedding_dim=DIM) for field in schema.fields]
    with torch.random.fork_rng(devices=[]):  # their constructor seeds the global generator
        net = pair.theirs(columns).double()
        torch.manual_seed(5)
        with torch.no_grad():
            for name, weight in net.state_dict().items():
                if name.endswith("running_var"):
                    weight.uniform_(0.5, 2)
                elif weight.is_floating_point():
                    weight.normal_(std=0.4)
    return net


def equal_network(pair: Pair, schema: FeatureSchema, net: nn.Module) -> CTRNet:
    """Our network with the weights of theirs, in float64."""
    ours = pair.ours(schema).double()
    ours.load_state_dict({name: weight.detach() for name, weight in pair.weights(net).items()})
    return ours


def table(embeddings: nn.ModuleDict) -> Tensor:
    return torch.cat([embedding.weight for embedding in embeddings.values()])


def shared(net: Any) -> Weights:
    """Embeddings, first-order weights and bias; PNN and ONN lack some."""
    return {"embedding.table.weight": table(net.embedding_dict)} | first_order(net)


def first_order(net: Any) -> Weights:
    linear = table(net.linear_model.embedding_dict)
    return {"first_order.weight.table.weight": linear, "first_order.bias": net.out.bias.squeeze()}


def deep(net: Any) -> Weights:
    """MLP and read-out."""
    layers = ((f"deep.{3 * at}", layer) for at, layer in enumerate(net.dnn.linears))
    weights = {f"{name}.{key}": value for name, layer in layers for key, value in layer.state_dict().items()}
    return weights | {"output.weight": net.dnn_linear.weight}


def attention(layer: Any) -> Tensor:
    return torch.stack([layer.W_Query.T, layer.W_key.T, layer.W_Value.T, layer.W_Res.T])


def afm(net: Any) -> Weights:
    fm = net.fm
    weighing = {
        "attention.0.weight": fm.attention_W.T,
        "attention.0.bias": fm.attention_b,
        "attention.2.weight": fm.projection_h.T,
    }
    pairs_to_weigh = len(net.embedding_dict) > 2
    return shared(net) | (weighing if pairs_to_weigh else {}) | {"output.weight": fm.projection_p.T}


def afn(net: Any) -> Weights:
    ltl, dnn = net.ltl, net.afn_dnn
    weights = shared(net) | {
        "logarithmic.exponents": ltl.ltl_weights,
        "logarithmic.bias": ltl.ltl_biases.flatten(),
    }
    norms = {"logarithmic.after_log": ltl.bn[0], "logarithmic.after_exp": ltl.bn[1]}
    norms |= {f"deep.{4 * at + 1}": norm for at, norm in enumerate(dnn.bn)}
    weights |= {
        f"{name}.{key}": value for name, norm in norms.items() for key, value in norm.state_dict().items()
    }
    for at, linear in enumerate(dnn.linears):  # ours have no bias before a norm: the mean takes it in
        weights[f"deep.{4 * at}.weight"] = linear.weight
        weights[f"deep.{4 * at + 1}.running_mean"] = dnn.bn[at].running_mean - linear.bias
    bias = net.out.bias.squeeze() + net.afn_dnn_linear.bias.squeeze()
    return weights | {"output.weight": net.afn_dnn_linear.weight, "first_order.bias": bias}


def autoint(net: Any) -> Weights:
    layers = {f"attention.{at}.weight": attention(layer) for at, layer in enumerate(net.int_layers)}
    return shared(net) | deep(net) | layers


def dcn(net: Any) -> Weights:
    cross = net.crossnet
    weight = cross.kernels.squeeze(2) if cross.parameterization == "vector" else cross.kernels
    return shared(net) | deep(net) | {"cross.weight": weight, "cross.bias": cross.bias.squeeze(2)}


def deepfm(net: Any) -> Weights:
    return shared(net) | deep(net)


def difm(net: Any) -> Weights:
    mlp = {
        f"deep.{3 * at}.{key}": value
        for at, layer in enumerate(net.bit_wise_net.linears)
        for key, value in layer.state_dict().items()
    }
    return mlp | {
        "embedding.table.weight": table(net.embedding_dict),
        "first_order.table.weight": table(net.linear_model.embedding_dict),
        "bias": net.out.bias.squeeze(),
        "attention.weight": attention(net.vector_wise_net),
        "from_vectors.weight": net.transform_matrix_P_vec.weight,
        "from_bits.weight": net.transform_matrix_P_bit.weight,
    }


def fibinet(net: Any) -> Weights:
    squeeze, _, excite, _ = net.SE.excitation
    return (
        shared(net)
        | deep(net)
        | {
            "importance.squeeze.weight": squeeze.weight,
            "importance.excite.weight": excite.weight,
            "bilinear.weight": torch.stack([linear.weight for linear in net.Bilinear.bilinear]),
        }
    )


def onn(net: Any) -> Weights:
    """Theirs has two tables per pair, ours one row per value: its vectors for the other fields in order."""
    names = list(net.embedding_dict)
    pairs = net.second_order_embedding_dict

    def vectors(i: int, j: int) -> Tensor:
        if i < j:
            return pairs[f"{names[i]}+{names[j]}"].emb1.weight
        return pairs[f"{names[j]}+{names[i]}"].emb2.weight

    everyone = range(len(names))
    field_aware = [torch.cat([vectors(i, j) for j in everyone if j != i], dim=1) for i in everyone]
    return first_order(net) | deep(net) | {"products.embedding.table.weight": torch.cat(field_aware)}


def pnn(net: Any) -> Weights:
    return deep(net) | {"embedding.table.weight": table(net.embedding_dict), "output.bias": net.out.bias}


def built(model: Callable[..., nn.Module]) -> Callable[[list[SparseFeat]], nn.Module]:
    """Their constructors take the columns of the first-order part and of the rest."""
    return lambda columns: model(columns, columns, task="regression")  # i.e. without a sigmoid


PAIRS = {
    "AFM": Pair(AFM, built(deepctr.AFM), afm),
    "AFN": Pair(
        partial(AFN, neurons=7, hidden=HIDDEN),
        built(partial(deepctr.AFN, ltl_hidden_size=7, afn_dnn_hidden_units=HIDDEN)),
        afn,
    ),
    "AutoInt": Pair(partial(AutoInt, hidden=HIDDEN), built(partial(deepctr.AutoInt, **MLP)), autoint),
    "DCN": Pair(partial(DCN, hidden=HIDDEN), built(partial(deepctr.DCN, cross_num=3, **MLP)), dcn),
    "DCNv2": Pair(
        partial(DCNv2, hidden=HIDDEN),
        built(partial(deepctr.DCN, cross_num=3, cross_parameterization="matrix", **MLP)),
        dcn,
    ),
    "DeepFM": Pair(partial(DeepFM, hidden=HIDDEN), built(partial(deepctr.DeepFM, **MLP)), deepfm),
    "DIFM": Pair(partial(DIFM, hidden=HIDDEN), built(partial(deepctr.DIFM, **MLP)), difm),
    "FiBiNET": Pair(partial(FiBiNET, hidden=HIDDEN), built(partial(deepctr.FiBiNET, **MLP)), fibinet),
    "ONN": Pair(partial(ONN, hidden=HIDDEN), built(partial(deepctr.ONN, **MLP)), onn),
    "PNN": Pair(partial(PNN, hidden=HIDDEN), partial(deepctr.PNN, task="regression", **MLP), pnn),
}
