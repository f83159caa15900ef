"""How many codes each profile has, K_p by its name, where nothing else is said: the paper's (section 3.4)."""

DEFAULT_SIZES = {"hobby": 4, "background": 3}
