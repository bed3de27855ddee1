#compdef rnc rnrun
# Completion of rnc and rnrun, from what their --help says.

_rnc_flags() { # of "$@" --help
  local -a flags
  flags=(${(f)"$("$@" --help 2>/dev/null | grep -oE -- '(^|[ ,])--?[a-zA-Z][a-z0-9-]*' | tr -d ' ,' | sort -u)"})
  compadd -- $flags
}

if [[ $service == rnrun && $CURRENT == 2 && $words[2] != -* ]]; then
  local -a commands
  commands=(${(f)"$(rnrun --help 2>/dev/null | sed -n '/[Ss]ubcommands:/,$s/^  \([a-z-]*\) .*/\1/p')"})
  compadd -- $commands
elif [[ $words[CURRENT] == -* ]]; then
  if [[ $service == rnrun ]]; then _rnc_flags rnrun $words[2]; else _rnc_flags rnc; fi
else
  _files
fi
