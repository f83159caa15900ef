"""A bank in Redis, for services that read codes from there.

All keys of a bank begin with its prefix in braces, a hash tag: a Redis Cluster keeps them on one node, where
a transaction may touch all of them.

    {PREFIX}:schema              1, the version of this layout
    {PREFIX}:current             the version that readers read
    {PREFIX}:versions            hash: version → JSON of what it consists of, and whether it is whole
    {PREFIX}:VERSION:meta        JSON: profile names, sizes K_p, number of users and of pages, the manifest
    {PREFIX}:VERSION:page:N      JSON object of about 16 users: id → [code, ...]
    {PREFIX}:VERSION:file:NAME:N a part of another array of the bank, compressed
    {PREFIX}:lock                who is pushing; expires unless it is renewed

The page of a user is the CRC-32 of the id's UTF-8 bytes modulo the number of pages, so that a service in any
language reads codes with GET and JSON. Readers fetch ``current`` and the pages in one MGET, which is atomic:
either all pages belong to the current version, or the reader sees that it has changed and asks again.
"""

from userip_lightning.serving.redis_store.address import Address
from userip_lightning.serving.redis_store.contents import StoreInfo, info
from userip_lightning.serving.redis_store.follower import RedisCopy
from userip_lightning.serving.redis_store.pulling import pull
from userip_lightning.serving.redis_store.pushing import push
from userip_lightning.serving.redis_store.reader import RedisBank

__all__ = ["Address", "RedisBank", "RedisCopy", "StoreInfo", "info", "pull", "push"]
