"""ReLLa (Lin et al., "ReLLa: Retrieval-enhanced Large Language Models for Lifelong Sequential Behavior
Comprehension in Recommendation", WWW 2024): a language model is asked whether a user likes an item.

Instead of the latest K behaviours the prompt shows the K that are most similar to the target item (SUBR,
section 3.2); LoRA tunes the model on few or all training rows, each once with its retrieved and once with
its latest behaviours (ReiT, section 3.3); the score is P(yes) among the two answer words (Eq. 2 and 3).

Deviations, and why:

- Item vectors come from a small sentence encoder (:mod:`userip_lightning.lm.text_encoder`), not from
  the tuned LM's hidden states after PCA: it was trained so that near vectors mean near texts, it takes
  seconds on a CPU, and vectors do not change with the LM.
- A behaviour can be shown where it is a TRAIN or SUPPORT row that happened strictly before the row in
  question. The paper cuts each user's sequence by time, where the same holds; under a random split it is
  what keeps later and judged rows out of a prompt.
- A behaviour may be shown twice where the user met an item twice; the authors' code keys a history by item.
- The words of the prompt are ours and are configuration: they speak of no films, and attributes of users
  are left out until a template names them. A model with a chat template is asked through it.
- The loss is the cross-entropy of the token at which the two answers part, over the whole vocabulary;
  tokens that both answers share stand behind the prompt and are not learned. For words of one token, as in
  the paper, this is the paper's loss.
- A prompt that is too long loses its least similar behaviours; the authors' code cuts its end.
- The schedule falls linearly to zero without warm-up, as the authors' code has it. Weights are not rounded
  to 8 bits unless configured ('nf4').
- Judged rows may be a stated part of VAL and TEST, the same part for every seed, because a small
  language model reads about ten rows per second on a CPU, a CTR network a hundred thousand.
"""
