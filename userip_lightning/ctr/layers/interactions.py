"""Second-order interactions of fields. N rows, F fields, P = F(F-1)/2 pairs i < j, E field-embedding width.

Pairs go in the order (0, 1), (0, 2), …, (1, 2), …; both sides of all pairs are one lookup each, so that no
layer loops over them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import FusedEmbedding
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema


def field_pairs(schema: FeatureSchema) -> Tensor:
    """[2, P] int64: the fields i (first row) and j > i (second row) of every pair.

    Raises:
        InputError: there are fewer than two fields.
    """
    count = len(schema.fields)
    if count < 2:
        names = ", ".join(field.name for field in schema.fields) or "none"
        raise InputError(f"A network of pairwise interactions needs at least two fields; there is {names}.")
    return torch.triu_indices(count, count, offset=1)


def factorization_machine(embeddings: Tensor) -> Tensor:
    """Sum over pairs of ⟨e_i, e_j⟩ as ½ Σ_E [(Σ_i e_i)² - Σ_i e_i²]: [N, F, E] → [N].

    Rendle, "Factorization Machines", 2010, Lemma 3.1; the cost is linear in F.
    """
    return (embeddings.sum(dim=1).square().sum(dim=1) - embeddings.square().sum(dim=(1, 2))) / 2


class PairwiseProducts(nn.Module):
    """Element-wise products e_i ⊙ e_j of all pairs; their sums over E are the inner products."""

    left: Tensor
    right: Tensor

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__()
        left, right = field_pairs(schema)
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("right", right, persistent=False)

    def forward(self, embeddings: Tensor) -> Tensor:
        """[N, F, E] → [N, P, E]."""
        return embeddings.index_select(1, self.left) * embeddings.index_select(1, self.right)


class BilinearProducts(nn.Module):
    """Products (W_ij e_i) ⊙ e_j of all pairs, each with a matrix of its own.

    Huang et al., "FiBiNET", 2019, section 3, bilinear interaction of field-interaction type.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
    """

    left: Tensor
    right: Tensor

    def __init__(self, schema: FeatureSchema, embedding_dim: int) -> None:
        super().__init__()
        left, right = field_pairs(schema)
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("right", right, persistent=False)
        self.weight = nn.Parameter(torch.empty(len(left), embedding_dim, embedding_dim))  # [out, in] each
        for pair in range(len(left)):
            nn.init.xavier_normal_(self.weight[pair])

    def forward(self, embeddings: Tensor) -> Tensor:
        """[N, F, E] → [N, P, E]."""
        first, second = embeddings.index_select(1, self.left), embeddings.index_select(1, self.right)
        return torch.einsum("npe,pde->npd", first, self.weight) * second


class FieldAwareProducts(nn.Module):
    """Element-wise products v_{i,j} ⊙ v_{j,i}, where v_{i,j} is what a value of field i shows to field j.

    Juan et al., "Field-aware Factorization Machines for CTR Prediction", 2016, section 3. A value has F-1
    vectors side by side in one table, for the other fields in their order; none for its own field.

    Args:
        schema: the fields.
        embedding_dim: width E of each of the F-1 vectors.
    """

    left: Tensor
    right: Tensor

    def __init__(self, schema: FeatureSchema, embedding_dim: int) -> None:
        super().__init__()
        (i, j), others = field_pairs(schema), len(schema.fields) - 1
        self.embedding_dim = embedding_dim
        self.embedding = FusedEmbedding(schema, others * embedding_dim)
        self.register_buffer("left", i * others + j - 1, persistent=False)
        self.register_buffer("right", j * others + i, persistent=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N, P, E]."""
        vectors: Tensor = self.embedding(fields).unflatten(2, (-1, self.embedding_dim)).flatten(1, 2)
        return vectors.index_select(1, self.left) * vectors.index_select(1, self.right)
