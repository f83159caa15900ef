"""Item texts as vectors: words, sentence vectors, hidden states of a language model."""
