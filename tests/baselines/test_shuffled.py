"""Knowledge of somebody else: the same vectors in other places, and nobody gains any."""

import numpy as np

from userip_lightning.arrays import save_array
from userip_lightning.artifact import Manifest, read_manifest, writing
from userip_lightning.baselines.kar.shuffled import shuffle
from userip_lightning.leak_audit import rows_seen

USERS = np.arange(24, dtype=np.float32).reshape(6, 4)
ITEMS = np.arange(1, 41, dtype=np.float32).reshape(10, 4)


def write(folder):
    users = USERS.copy()
    users[[1, 4]] = 0
    manifest = Manifest("knowledge", "made", "data", 6, extra={"no_knowledge": {}})
    with writing(folder, manifest, np.array([3, 1])) as draft:
        save_array(draft / "users.npy", users)
        save_array(draft / "items.npy", ITEMS)
    return users


def test_vectors_change_places_among_those_who_have_one(tmp_path):
    users = write(tmp_path / "own")
    shuffle(tmp_path / "own", tmp_path / "other", seed=1)
    found = np.load(tmp_path / "other" / "users.npy")
    assert not found[[1, 4]].any()
    assert sorted(map(tuple, found)) == sorted(map(tuple, users))
    assert not (found == users)[[0, 2, 3, 5]].all(axis=1).any()
    items = np.load(tmp_path / "other" / "items.npy")
    assert sorted(map(tuple, items)) == sorted(map(tuple, ITEMS))
    assert not (items == ITEMS).all(axis=1).any()


def test_it_is_another_artifact_that_saw_the_same_rows(tmp_path):
    write(tmp_path / "own")
    shuffle(tmp_path / "own", tmp_path / "other")
    shuffle(tmp_path / "own", tmp_path / "again")
    own, other = (read_manifest(tmp_path / name, "knowledge") for name in ("own", "other"))
    assert other.config_hash != own.config_hash
    assert other.data_hash == own.data_hash
    assert rows_seen(tmp_path / "other").tolist() == [1, 3]
    first, second = (np.load(tmp_path / name / "users.npy") for name in ("other", "again"))
    assert np.array_equal(first, second)
