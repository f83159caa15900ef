"""PEPLER (Li, Zhang and Chen, "Personalized Prompt Learning for Explainable Recommendation", ACM TOIS 2023).

Every user and every item has a vector of the language model's width. The two stand in front of a text as
continuous prompts and make it likely, and their inner product says whether the user clicks:

    L = text_weight · mean_t -log p(e_t | u, i, e_<t) + click_weight · mean BCE(uᵀ i, y)

Stage one tunes the prompts under a frozen LM, stage two all of it (their "sequential tuning").
The score of the tables is σ(uᵀ i); it does not need the language model.

Deviations from the paper and its published code, and why:

- **One of their two recommenders.** The inner product (MF); no table here had their perceptron (MLP).
- **A click instead of a rating.** Binary cross-entropy on the label takes the place of the squared error on
  the rating, because the tables compare AUC and Logloss. The default weight of 0.01 is theirs, for squared
  errors of stars. A cross-entropy is much smaller: on ML-100K the gradient of a text on a new prompt is 35
  times that of a click at equal weights, and an optimizer such as Adam forgets the smaller of the two, so the
  configurations weigh them otherwise.
- **Both of their remedies at once.** They tune in two stages without a score, or from the first step on with
  the rating as a regulariser. Here both stages have the score; ``frozen_epochs: 0`` is the second remedy as
  they ran it.
- **Stages end after given epochs.** They end one where the validation loss of text and rating stalls. Here
  the epoch is chosen by ``val/auc``, as for every other row of a table. Like theirs, stage two starts a
  fresh optimizer, but from the last epoch of stage one, not from its best.
- **What is explained.** They explain with a sentence of the review that names a feature. Here it is the
  start of the review, and where a log has none, a text of the item, such as its title and genres. Such a text
  is the same for all users, so it teaches prompts what an item is and its BLEU and ROUGE say nothing about
  personal explanations; the artifact says which kind each explanation is. A sampled negative has no text.
- **No new words.** They add begin, end and padding to the vocabulary, which changes the weights of the LM.
  Here a text follows the prompts at once and ends with the LM's own end of text; padding has no embedding.
- **No dropout under a frozen LM.** In stage one theirs stays in training mode. In stage two dropout is as the
  LM's configuration says (0.1 in GPT-2, none in Llama).
- **Strangers.** Their splits give every user and item a training row. Here those without one share prompt 0,
  which no training moves, and which is the mean of all others whenever rows are judged.
- **BLEU and ROUGE are torchmetrics'**, as fractions: words are split at blanks, punctuation stays with its
  word, no stemming. Theirs separate punctuation first, so figures are not comparable with their tables.
- **text_share** (1 is theirs) lets a part of every batch learn its text, while all rows learn their click:
  what makes a run on a CPU possible.

The tables of prompts are dense and so is AdamW: a step costs time and three copies of memory for every user
and item, 7 KB each at a width of 576, whether or not the batch has them.
"""
