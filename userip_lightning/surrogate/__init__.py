"""The surrogate recommender of Eq. 5: a small network whose loss says what codes are worth."""
