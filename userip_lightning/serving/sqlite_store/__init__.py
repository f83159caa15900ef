"""A bank in an SQLite file, for services on one machine that have no server; Python's own library suffices.

    versions       name, turn, users, names and sizes and manifest as JSON, whole (can be pulled), current
    codes_VERSION  user_id and one integer column per profile
    files          parts of the version's other arrays
    codes          view of the current version's codes: SELECT * FROM codes WHERE user_id = '196'

A push is one transaction: readers in other processes have the old version or the new one, whole, and are not
kept waiting (write-ahead log, hence a local disk); a pusher that is killed has changed nothing.
"""

from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.contents import StoreInfo, info
from userip_lightning.serving.sqlite_store.follower import SqliteCopy
from userip_lightning.serving.sqlite_store.pulling import pull
from userip_lightning.serving.sqlite_store.pushing import push
from userip_lightning.serving.sqlite_store.reader import SqliteBank

__all__ = ["Address", "SqliteBank", "SqliteCopy", "StoreInfo", "info", "pull", "push"]
