"""`userip completion`: what bash makes of the script."""

import shutil
import subprocess

import pytest

from userip_lightning.cli import main


def completed(script: str, *words: str) -> list[str]:
    typed = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}"
    program = f'{script}\n{typed}; _userip; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash to complete anything")
def test_bash_completes_commands_settings_and_configurations(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "presence.yaml").touch()
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert completed(script, "userip", "re") == ["reproduce", "rella", "refresh"]
    assert completed(script, "userip", "init", "de") == ["demo"]
    assert {"presets/paper", "presence.yaml"} <= set(completed(script, "userip", "fit", "-c", "pres"))
    assert completed(script, "userip", "fit", "--see") == ["--seed", "--seeds"]


def test_zsh_gets_the_same_script_after_a_line_of_its_own(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.partition("\n")[2] == script
