"""Where z starts: at random, or at words that set the user apart.

EM moves little in the steps one can afford, so the start decides (design, section 3): a random start was
not personal after 30 steps, while the embeddings of a user's most distinctive words are before the first.
It also keeps z near words one can read (Table 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor

from userip_lightning.profile.prompt import Tokenizer, encode


def distinctive_words(texts: Sequence[str], count: int) -> list[list[str]]:
    """The words of every user's text with the highest TF-IDF over users, most distinctive first.

    Args:
        texts: [U] training text of every user.
        count: at most this many words each; fewer where the text has fewer.
    """
    if not any(text.strip() for text in texts):
        return [[] for _ in texts]
    vectorizer = TfidfVectorizer(token_pattern=r"(?u)\b\w[\w'-]+\b", sublinear_tf=True, dtype=np.float32)
    weights = vectorizer.fit_transform(texts).tocsr()
    words = vectorizer.get_feature_names_out()
    chosen: list[list[str]] = []
    for user in range(weights.shape[0]):
        row = slice(weights.indptr[user], weights.indptr[user + 1])
        order = np.lexsort((weights.indices[row], -weights.data[row]))[:count]
        chosen.append([str(words[i]) for i in weights.indices[row][order]])
    return chosen


def start_ids(
    words: Sequence[Sequence[str]], tokenizer: Tokenizer, profiles: int, soft_tokens: int
) -> NDArray[np.int64]:
    """Vocabulary ids that soft tokens start at: the user's words, spelt in tokens, one after another.

    Spelling a word over several soft tokens keeps it readable to the LM: with the mean of its pieces in one
    soft token, 64 game histories were told apart by 0.103 ± 0.036 nats per token, with the pieces by
    0.142 ± 0.052. A user with fewer pieces than soft tokens starts over at his first word.

    Returns:
        [U, P, S]; -1 for a user without words.
    """
    spelling = {word: encode(tokenizer, " " + word) for user in words for word in user}
    table = np.full((len(words), profiles * soft_tokens), -1, dtype=np.int64)
    for user, chosen in enumerate(words):
        pieces = [piece for word in chosen for piece in spelling[word]]
        if pieces:
            table[user] = np.resize(pieces, profiles * soft_tokens)
    return table.reshape(len(words), profiles, soft_tokens)


def embed_start(ids: Tensor, embedding: Tensor) -> Tensor:
    """Embeddings of the start tokens.

    Args:
        ids: [B, P, S]; -1 where there is none.
        embedding: [V, D].

    Returns:
        [B, P, S, D] float32; where there is no token, the mean of the vocabulary.
    """
    known = (ids >= 0).unsqueeze(-1)
    return torch.where(known, embedding[ids.clamp(min=0)].float(), embedding.float().mean(0))


def random_start(users: Tensor, shape: tuple[int, int, int], embedding: Tensor, seed: int) -> Tensor:
    """Gaussian z with the spread of the vocabulary embeddings (the paper's start), whatever the batch.

    Args:
        users: [B] rows in the population.
        shape: (P, S, D).
        embedding: [V, D].
        seed: of the draw.

    Returns:
        [B, P, S, D] float32.
    """
    rows = []
    for user in users.tolist():
        # torch's CPU generator reads 32 bits of its seed, so the pair is hashed into them
        draw = int(np.random.SeedSequence([seed, user]).generate_state(1)[0])
        rows.append(torch.randn(shape, generator=torch.Generator().manual_seed(draw)))
    return torch.stack(rows).to(embedding.device) * embedding.float().std()
