#!/bin/sh
# The protos against buf.yaml: style, and a comment on everything.
cd "$1" || exit 1
command -v buf >/dev/null || {
  echo "SKIPPED: buf is not installed (tests/run.sh installs it)"
  exit 77
}
exec buf lint
