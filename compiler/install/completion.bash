# Completion of rnc and rnrun, from what their --help says.

_rnc_flags() { # of "$@" --help
  "$@" --help 2>/dev/null | grep -oE -- '(^|[ ,])--?[a-zA-Z][a-z0-9-]*' | tr -d ' ,' | sort -u
}

_rnc() {
  local word=${COMP_WORDS[COMP_CWORD]}
  case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(_rnc_flags rnc)" -- "$word") ;;
    *) compopt -o default && COMPREPLY=() ;;
  esac
}

_rnrun() {
  local word=${COMP_WORDS[COMP_CWORD]} commands
  if ((COMP_CWORD == 1)) && [[ $word != -* ]]; then
    commands=$(rnrun --help 2>/dev/null | sed -n '/[Ss]ubcommands:/,$s/^  \([a-z-]*\) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_rnc_flags rnrun "${COMP_WORDS[1]}")" -- "$word")
  else
    compopt -o default && COMPREPLY=()
  fi
}

complete -F _rnc rnc
complete -F _rnrun rnrun
