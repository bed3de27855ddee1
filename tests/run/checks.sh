# What the tests that run rnc and rnrun share: a directory of their own, left when they end, and checks. Sourced with the
# directory of the programs in $1; sets $bin.
bin=$(cd "$1" && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"

fail() {
  echo "FAILED: $*"
  exit 1
}

same() { cmp -s "$1" "$2" || fail "$1 and $2 differ: $3"; }

# refused STATUS TEXT COMMAND...: the command ends with this status and says this.
refused() {
  expected=$1 text=$2
  shift 2
  status=0
  "$@" >messages 2>&1 || status=$?
  [ "$status" -eq "$expected" ] || { cat messages; fail "status $status, not $expected: $*"; }
  grep -qF -- "$text" messages || { cat messages; fail "no message \"$text\": $*"; }
}

# needs PROGRAM...: of the packages that tests/install_debian.sh installs for tests.
needs() {
  for program in "$@"; do
    command -v "$program" >/dev/null || fail "there is no $program: see tests/install_debian.sh"
  done
}
