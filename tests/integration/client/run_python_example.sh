#!/usr/bin/env bash
# run_python_example.sh WORK_DIRECTORY ADDRESS URL LOCAL: the Python example, in a virtual
# environment that is kept for the next time. Exits with 77 if it cannot be made.
set -euo pipefail
work=$1/python
example=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../client/examples/python" && pwd)

mkdir -p "$work"
exec {lock}>"$work/lock"
flock "$lock"
if ! cmp -s "$example/requirements.txt" "$work/venv/installed.txt"; then
  rm -rf "$work/venv"
  python3 -m venv "$work/venv" >"$work/log" 2>&1 &&
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
      -r "$example/requirements.txt" >>"$work/log" 2>&1 || {
    echo "the Python packages cannot be had: $(tail -1 "$work/log")" >&2
    exit 77
  }
  cp "$example/requirements.txt" "$work/venv/installed.txt"
fi
export PATH=$work/venv/bin:$PATH
rm -rf "$work/stubs"
"$example/generate.sh" "$work/stubs"
flock --unlock "$lock"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$work/stubs exec python3 "$example/transfer.py" "${@:2}"
