#!/usr/bin/env bash
# find_package_test.sh CMAKE BUILD_DIRECTORY: installs the build under a prefix of its own,
# builds another project against that alone, and lets it talk to the installed bitsd.
set -euo pipefail
cmake=$1
build=$2
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/find_package" && pwd)

work=$(mktemp -d)
bitsd=
cleanup() {
  [[ -z $bitsd ]] || kill -KILL "$bitsd" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log"
for file in bin/bitsd bin/bitsctl include/bits/client.h include/bits-proto/bits/v1/job.pb.h \
  share/bits/bits.protoset share/bits/proto/bits/v1/job_service.proto; do
  [[ -s $work/prefix/$file ]] || {
    echo "not installed: $file"
    exit 1
  }
done
# What is installed must not need the tree that it came from.
if grep -rlF -e "$build" "$work/prefix/lib" "$work/prefix/include" --include='*.cmake' \
  --include='*.h'; then
  echo "these name the build directory"
  exit 1
fi

"$cmake" -G Ninja -S "$project" -B "$work/project" -DCMAKE_PREFIX_PATH="$work/prefix" \
  >"$work/configure.log" 2>&1 || {
  cat "$work/configure.log"
  exit 1
}
"$cmake" --build "$work/project"

mkdir "$work/state" "$work/root"
"$work/prefix/bin/bitsd" --listen="unix:$work/socket" --state_dir="$work/state" \
  --root="$work/root" 2>"$work/bitsd.log" &
bitsd=$!
"$work/project/outside" "unix:$work/socket" || {
  cat "$work/bitsd.log"
  exit 1
}
[[ $("$work/prefix/bin/bitsctl" --server="unix:$work/socket" list) == *outside* ]]
