"""`userip completion bash|zsh`: a script that completes commands, settings and configurations.

The settings of stages are left out: there are hundreds, and listing them means loading torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from userip_lightning.cli import COMMANDS
from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.pipeline.settings import Settings
from userip_lightning.pipeline.shipped_configs import shipped_names

_DESCRIPTION = """Print a script that completes commands, the settings of an experiment and the names of
shipped configurations. In ~/.bashrc: eval "$(userip completion bash)"; in ~/.zshrc:
eval "$(userip completion zsh)"."""
_ZSH = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"
_BASH = """_userip() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  case "$COMP_CWORD,$before" in
    1,*) COMPREPLY=($(compgen -W "{commands}" -- "$word")) ;;
    2,init) COMPREPLY=($(compgen -W "{starts}" -- "$word")) ;;
    *,-c|*,--config) COMPREPLY=($(compgen -W "{names}" -- "$word") $(compgen -f -- "$word")) ;;
    *) case "$word" in
         -*) COMPREPLY=($(compgen -W "{options}" -- "$word")) ;;
         *) COMPREPLY=($(compgen -f -- "$word")) ;;
       esac ;;
  esac
}}
complete -o filenames -F _userip userip
"""


def completion(arguments: Sequence[str]) -> None:
    """Run `userip completion`."""
    parser = command_parser("userip completion", _DESCRIPTION)
    parser.add_argument("shell", choices=("bash", "zsh"))
    chosen = parser.parse_args(list(arguments))
    names = shipped_names()
    options = [*(setting.name for setting in fields(Settings)), "config", "stages", "data", "print_config"]
    script = _BASH.format(
        commands=" ".join([*(command.name for command in COMMANDS), "--help", "--version"]),
        starts=" ".join(name for name in names if "/" not in name),
        names=" ".join(names),
        options=" ".join(f"--{name}" for name in [*options, "safe", "help"]),
    )
    print(script if chosen.shell == "bash" else _ZSH + script, end="")
