"""How to read the tables of a report."""

from __future__ import annotations

#: What each control is.
CONTROLS = (
    "Controls: shuffled, the codes of other users; random, drawn codes; svd kmeans, clusters of users by "
    "what they met; text kmeans, by the words of what they liked; svd text kmeans, by both; generosity, "
    "quantiles of a user's share of positives; count mixture, classes of a mixture over events; bag of "
    "words mixture, the same with the items' words as prior. Permuted z, noise z and permuted text are "
    "the stage that made the codes, trained again in the same way on other users' profiles, on noise with "
    "their mean and spread, or on other items' texts: codes that are not better owe nothing to what profiles "
    "or texts hold. A language model has a part in shuffled, permuted z and permuted text alone."
)
#: How to read the report of one run.
RUN_LEGEND = (
    "± is the standard deviation over seeds. AUC impr. compares what an AUC has above a coin's 0.5 "
    "with what no codes have above it, so it is large where these are near 0.5; Logloss impr. is "
    "relative to no codes. Norm. entropy is Logloss over that of the click rate alone (below 1: the "
    "model knows more than the rate), ECE the expected calibration error.",
    "Δ is the codes minus the row, in the first table the row minus no codes. Intervals come from a "
    "bootstrap that draws users and seeds; p is a paired t test over seeds with Holm's correction over "
    "the rows.",
    CONTROLS,
)
#: How to read the report of a study: what its columns mean.
LEGEND = (
    "± is the standard deviation over training seeds. Logloss, NE and ECE are of the scores as predicted. NE "
    "is Logloss over that of the click rate alone (below 1: the model knows more than the rate), ECE the "
    "expected calibration error. Calibrated: Logloss after Platt scaling, slope and offset of the log-odds "
    "fitted per run on validation rows; intervals take these two numbers as given. The best figure of a "
    "block is bold, the second underlined.",
    "Δ is a row minus its counterpart (a network with codes or with a control minus the network alone, a "
    "language-model baseline minus the network that the study holds it against, named below the table); the "
    "interval comes from a bootstrap that draws users and seeds, alike for all rows. ▲ and ▼: at least 0.001 "
    "AUC better or worse with the whole interval on that side, ▲ also at a calibrated Logloss that is not "
    "worse and with at least five seeds (no mark with fewer); = otherwise. With one seed the interval knows "
    "nothing of training luck, with fewer than five little. ▲ beside codes is no claim yet: codes are a "
    "function of the user id, so a gain also has to show against every control of as many bits.",
    CONTROLS,
    "p DeLong tests the AUCs given the trained models and takes rows as independent, which makes it too "
    "sure; p by user is the same test with users as clusters; p seeds is a paired t test over seeds, with "
    "Holm's correction over the rows of one group.",
    "† marks a row that was judged on a stated part of the rows, or with the first of the seeds. Its figures "
    "hold for that part; Δ and every p take its counterpart on the same rows and seeds. It is never bold or "
    "underlined and stands for no best row.",
    "The paper's figures come from its own copy and split of the data; the difference stands in brackets.",
)
