"""Bodies of users from their items' token ids, by task text."""

import numpy as np

from userip_lightning.profile.prompt_bodies import Bodies, BodyWriter, Drawn, Tokens

Groups = list[list[list[int]]]


def write(writer: BodyWriter, users: list[Groups]) -> Bodies:
    """Bodies of users; every user is a list of groups (liked, disliked) of token ids of items."""
    shown = [
        (user, group, item)
        for user, groups in enumerate(users)
        for group, items in enumerate(groups)
        for item in items
    ]
    numbers = np.array([(user, group) for user, group, _ in shown], dtype=np.int64).reshape(-1, 2)
    drawn = Drawn(numbers[:, 0], numbers[:, 1], np.arange(len(shown)))
    return writer.write(drawn, Tokens.of([item for _, _, item in shown]), len(users))
