"""The scripts that shells read for completion.

A script calls the program with `_ATTUNE_INFRA_COMPLETE`, which names the shell, and the line up to the cursor. The
first line of the answer says what else to offer (`files`, `folders`) and that no space follows (`nospace`). Each
other line is a word, for zsh and fish with a tab and an explanation. No script evaluates an answer as code:
names of queues come from the broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LINE_VARIABLE: Final = "_ATTUNE_INFRA_LINE"
BREAKS_VARIABLE: Final = "_ATTUNE_INFRA_BREAKS"
"""The characters at which bash breaks words; it completes what follows the last of them."""

_BASH: Final = r"""# attune-infra completion for bash 4.4 or newer
_attune_infra() {
    local -a answer
    mapfile -t answer < <(
        export _ATTUNE_INFRA_COMPLETE=bash _ATTUNE_INFRA_BREAKS=$COMP_WORDBREAKS
        export _ATTUNE_INFRA_LINE=${COMP_LINE:0:COMP_POINT}
        "$1" 2>/dev/null
    )
    local more=" ${answer[0]-} "
    COMPREPLY=("${answer[@]:1}")
    if [[ $more == *" nospace "* ]]; then compopt -o nospace; fi
    if [[ $more == *" folders "* ]]; then
        compopt -o dirnames
    elif [[ $more == *" files "* && ${#COMPREPLY[@]} == 0 ]]; then
        compopt -o default
    elif [[ $more == *" files "* ]]; then
        compopt -o filenames
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}")
    fi
}
complete -o nosort -F _attune_infra attune-infra
"""

_ZSH: Final = r"""#compdef attune-infra
# attune-infra completion for zsh
_attune_infra() {
    local -a answer values shown options
    local each
    answer=("${(@f)$(
        export _ATTUNE_INFRA_COMPLETE=zsh _ATTUNE_INFRA_LINE="${(j: :)words[1,CURRENT-1]} ${words[CURRENT]}"
        "${(Q)words[1]}" 2>/dev/null
    )}")
    for each in "${(@)answer[2,-1]}"; do
        values+=("${each%%$'\t'*}")
        shown+=("${each/$'\t'/  -- }")
    done
    if [[ " $answer[1] " == *" nospace "* ]]; then options=(-S ''); fi
    if (( $#values )); then compadd -V attune-infra -l -d shown "${(@)options}" -a values; fi
    if [[ $PREFIX == -*=* ]]; then compset -P 1 '*='; fi
    if [[ " $answer[1] " == *" folders "* ]]; then _files -/; fi
    if [[ " $answer[1] " == *" files "* ]]; then _files; fi
}
if [[ $funcstack[1] == _attune_infra ]]; then _attune_infra "$@"; else compdef _attune_infra attune-infra; fi
"""

_FISH: Final = r"""# attune-infra completion for fish 3.1 or newer
function __attune_infra
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    set -l answer (env _ATTUNE_INFRA_COMPLETE=fish _ATTUNE_INFRA_LINE="$line" attune-infra 2>/dev/null)
    if set -q answer[2]
        printf '%s\n' $answer[2..-1]
    end
    if string match --quiet '*folders*' -- "$answer[1]"
        __fish_complete_directories (commandline --cut-at-cursor --current-token)
    else if string match --quiet '*files*' -- "$answer[1]"
        __fish_complete_path (commandline --cut-at-cursor --current-token)
    end
end
complete --command attune-infra --no-files --keep-order --arguments '(__attune_infra)'
"""

SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
