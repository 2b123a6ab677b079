#!/usr/bin/env bash
# COVERAGE.md and the tests tell the same: every test that it names exists, and every test of
# this folder is named in it.
set -euo pipefail
cd "$(dirname "$0")"

named=$(grep -o '`[A-Z][A-Za-z]*\.[A-Z][A-Za-z]*`' COVERAGE.md | tr -d '`' | sort -u)
existing() {
  grep -hozE 'TEST(_[FP])?\(\s*[A-Za-z]+,\s*[A-Za-z0-9]+\)' "$@" | tr '\0' '\n' |
    sed -E 's/.*\(\s*([A-Za-z]+),\s*([A-Za-z0-9]+)\)/\1.\2/' | sort -u
}
here=$(existing ./*_test.cc)
anywhere=$(existing ./*_test.cc ../fault/torture/*_test.cc ../integration/server/*_test.cc)

result=0
missing=$(comm -23 <(echo "$named") <(echo "$anywhere"))
if [[ -n $missing ]]; then
  echo "COVERAGE.md names tests that are not there:" "$missing" >&2
  result=1
fi
unnamed=$(comm -13 <(echo "$named") <(echo "$here"))
if [[ -n $unnamed ]]; then
  echo "COVERAGE.md does not name:" "$unnamed" >&2
  result=1
fi
exit $result
