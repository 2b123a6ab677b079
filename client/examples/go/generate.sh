#!/usr/bin/env bash
# generate.sh: writes the Go stubs of proto/ into ./bitsv1. Needs protoc and go; the two
# plugins are installed into ./bin. The protos have no go_package: the M options say
# which Go package each of them is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
proto=${PROTO:-$(cd ../../../proto && pwd)}

GOBIN=$PWD/bin go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.31.0
GOBIN=$PWD/bin go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.3.0

options=(paths=source_relative)
files=()
for file in "$proto"/bits/v1/*.proto; do
  files+=("$file")
  options+=("Mbits/v1/${file##*/}=example.com/bits/bitsv1")
done
list=$(IFS=,; echo "${options[*]}")

rm -rf bitsv1 gen
mkdir gen
PATH=$PWD/bin:$PATH protoc -I "$proto" --go_out=gen --go_opt="$list" \
  --go-grpc_out=gen --go-grpc_opt="$list" "${files[@]}"
mv gen/bits/v1 bitsv1
rm -r gen
