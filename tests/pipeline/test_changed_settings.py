import pytest

from userip_lightning.pipeline.changed_settings import changed_settings


@pytest.mark.parametrize(
    ("before", "now", "names"),
    [
        ("a: {b: 1, c: 2}", "a: {b: 1, c: 2}", []),
        ("a: {b: 1, c: 2}", "a: {b: 3, c: 2}", ["a.b"]),
        ("a: {b: 1}", "a: {b: 1, c: [2]}", ["a.c"]),
        (
            "net: {class_path: DCN, init_args: {dim: 8}}",
            "net: {class_path: PNN, init_args: {dim: 4}}",
            ["net"],
        ),
        (
            "net: {class_path: DCN, init_args: {dim: 8}}",
            "net: {class_path: DCN, init_args: {dim: 4}}",
            ["net.init_args.dim"],
        ),
        ("output: here\na: 1", "output: there\na: 1", []),
        ("not: [yaml", "a: 1", []),
        ("a text", "a: 1", []),
    ],
)
def test_settings_that_differ_are_named(before, now, names):
    assert changed_settings(before, now) == names
