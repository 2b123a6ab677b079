#!/usr/bin/env bash
# run_go_example.sh WORK_DIRECTORY ADDRESS URL LOCAL: the Go example, built from a copy so
# that nothing is generated into the tree. Exits with 77 where there is no Go, or
# its modules cannot be had.
set -euo pipefail
work=$1/go
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
  echo "there is no go" >&2
  exit 77
}
mkdir -p "$work"
exec {lock}>"$work/lock"
flock "$lock"
cp "$root"/client/examples/go/{go.mod,go.sum,main.go,generate.sh} "$work/"
cd "$work"
{
  go mod download && go mod verify && PROTO=$root/proto ./generate.sh
} >log 2>&1 || {
  echo "the Go modules cannot be had: $(tail -1 log)" >&2
  exit 77
}
go vet .
go build -o example .
flock --unlock "$lock"
exec ./example "${@:2}"
