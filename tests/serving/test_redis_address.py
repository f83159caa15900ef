import pytest

from userip_lightning.errors import InputError
from userip_lightning.serving.redis_store import Address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h/p", Address("h", 6379, 0, None, None, False, "p")),
        ("redis://h:7/3/p", Address("h", 7, 3, None, None, False, "p")),
        ("rediss://u:p%40w@h/p.q-r:s", Address("h", 6379, 0, "u", "p@w", True, "p.q-r:s")),
        ("redis://:pw@[::1]:7/p/", Address("::1", 7, 0, None, "pw", False, "p")),
    ],
)
def test_addresses(url: str, expected: Address) -> None:
    assert tuple(Address.parse(url)) == tuple(expected)
    assert Address.names_one(url)


def test_a_password_is_not_shown() -> None:
    address = Address.parse("redis://me:secret@[::1]:7/2/p")
    assert str(address) == repr(address) == "redis://[::1]:7/2/p"
    assert tuple(Address.parse(str(address))) == tuple(address._replace(user=None, password=None))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h", "no prefix"),
        ("redis://h/", "no prefix"),
        ("redis://h/3", "no prefix"),
        ("redis://h/a/b", "too many parts"),
        ("redis://h/3/a/b", "too many parts"),
        ("redis:///p", "expected"),
        ("redis://h:port/p", "a number as PORT"),
        ("redis://h/p?db=3", "expected"),
        ("redis://h/a{b", "'a{b' has other characters"),
    ],
)
def test_bad_addresses(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Address.parse(url)


def test_a_bad_address_does_not_show_its_password() -> None:
    with pytest.raises(InputError) as caught:
        Address.parse("redis://me:secret@h/a/b")
    assert "secret" not in str(caught.value)


def test_all_keys_share_one_hash_tag() -> None:
    assert Address.parse("redis://h/p").key("current") == "{p}:current"


def test_a_folder_is_no_address() -> None:
    assert not Address.names_one("runs/redis")
