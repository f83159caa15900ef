"""The one exception that users are meant to see."""


class InputError(ValueError):
    """Something that was given to us cannot be used.

    The message is one sentence: which file, row or key; what was expected; what to do. The command line
    prints it without a traceback and exits with code 2.
    """
