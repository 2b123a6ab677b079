#!/usr/bin/env bash
# generate.sh DIRECTORY: writes the Python stubs of proto/ there. Needs the packages
# of requirements.txt.
set -euo pipefail
proto=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../proto" && pwd)
mkdir -p "$1"
python3 -m grpc_tools.protoc -I "$proto" --python_out="$1" --grpc_python_out="$1" \
  "$proto"/bits/v1/*.proto
