"""Misspelt words of a command line: what was probably meant."""

import pytest

from tests.cli.refusal import refused
from userip_lightning.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "--confg", "mine.yaml"], "confg: no such setting; did you mean --config?"),
        (["fit", "--ctr.trainer.max_epoch=3"], "did you mean --ctr.trainer.max_epochs?"),
        (["catalogue", "fit", "--trainer.max_epoch=3"], "did you mean --trainer.max_epochs?"),
        (["fit", "--xyzzy", "3"], "xyzzy: no such setting; check its spelling, --help lists"),
        (["bank", "push", "B", "--too", "x"], "too: no such setting; did you mean --to?"),
        (["bank", "infoo", "B"], "no 'infoo'; did you mean info? there are info, lookup, "),
        (["explain", "runs/mine", "--usrs", "3"], "did you mean --users?"),
        (["assets", "fetch", "--nmes", "[a]"], "nmes: no such setting; did you mean --names?"),
        (["doctor", "--hlp"], "hlp: no such setting; did you mean --help?"),
        (["init", "demoo"], "no configuration 'demoo' to start from; did you mean demo? there are "),
        (["completion", "zshh"], "shell: no 'zshh'; did you mean zsh? there are bash, zsh."),
        (["data", "sniff"], "file: missing; --help says what it is."),
        (["bank", "lookup"], "path: missing; --help says what it is."),
        (["data", "headd"], "no command 'headd'; did you mean head? there are prepare, "),
    ],
)
def test_what_was_meant(words, said, capsys):
    assert said in refused(words, capsys)


def test_a_command(capsys):
    assert main(["fitt"]) == 2
    assert capsys.readouterr().err.startswith("userip: no command 'fitt'; did you mean fit? there are init,")
