#!/usr/bin/env bash
# Builds bitsd for release, measures it beside others, prints one table (Markdown) to
# stdout. What is under way goes to stderr. Nothing here passes or fails by time.
set -euo pipefail

usage() {
  cat <<'USAGE'
tests/bench/run.sh [OPTION ..]
  --parts=LIST    out of transfer,rpc,scale,slow,rate (default: all)
  --quick         small sizes, one round: does it all still run?
  --build=DIR     where to build (default build/bench)
  --tmp=DIR       where files go while measuring; a disk like the real one (default $TMPDIR or /tmp)
  --runs=N        rounds of transfer, rpc and slow (default 5, 5, 3)
  --big=BYTES --small=COUNT --parallel=N                  of transfer
  --seconds=S --in_flight=LIST --connections=N            of rpc
  --jobs=LIST --keep=DIR                                  of scale
  --slow=COUNT                                            of slow
What each means: bench_transfer --help and so on, in the build directory.
USAGE
}

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build="$source_dir/build/bench"
parts=transfer,rpc,scale,slow,rate
declare -A options=([transfer]="" [rpc]="" [scale]="" [slow]="" [rate]="")

add() { # add "PART .." OPTION
  local part
  for part in $1; do options[$part]+=" $2"; done
}

for argument in "$@"; do
  case $argument in
    --parts=*) parts=${argument#*=} ;;
    --quick)
      add transfer "--runs=1 --big=67108864 --small=500"
      add rpc "--runs=1 --seconds=1"
      add scale "--jobs=1000,5000 --starts=2 --calls=50 --idle_seconds=3"
      add slow "--runs=1 --slow=400 --seconds=3 --settle=2"
      add rate "--rates=1000000 --seconds=3"
      ;;
    --build=*) build=${argument#*=} ;;
    --tmp=*) export TMPDIR=${argument#*=} ;;
    --runs=*) add "transfer rpc slow" "$argument" ;;
    --big=* | --small=* | --parallel=*) add transfer "$argument" ;;
    --seconds=* | --in_flight=* | --connections=*) add rpc "$argument" ;;
    --jobs=* | --keep=*) add scale "$argument" ;;
    --slow=*) add slow "$argument" ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

for tool in curl wget aria2c nginx; do
  if [[ $parts == *transfer* ]] && ! PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null; then
    echo "run.sh: $tool is not installed" >&2
    exit 1
  fi
done

cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 >&2
cmake --build "$build" --target bits_benchmarks >&2

echo "bitsd $(git -C "$source_dir" describe --always --dirty 2>/dev/null || true)," \
  "$(uname -sr), $(nproc) processors" \
  "($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1))," \
  "files on $(stat -f -c %T "${TMPDIR:-/tmp}")"
echo
echo "| measure | bitsd | beside | ratio | aim |"
echo "|--|--|--|--|--|"
status=0
for part in ${parts//,/ }; do
  # shellcheck disable=SC2086  # options are words
  "$build/tests/bench/bench_$part" ${options[$part]} || status=1
done
exit "$status"
