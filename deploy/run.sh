#!/usr/bin/env bash
# Builds bitsd, starts it, and transfers a file with a progress bar.
#
# Usage: deploy/run.sh [URL]
#
# Without a URL it makes a file, serves it itself on the loopback interface at a
# rate that can be watched, and compares what arrives.
#
# Debian 12; uses sudo where it is not root, for packages only. All that it makes
# is under build/: build/release (the programs), build/run/state (the database),
# build/run/files (what is transferred), build/run/bitsd.log. bitsd stays, on
# 127.0.0.1:7310 (or BITS_PORT); when run again, the script stops the bitsd that
# it started before.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/common.sh

address=127.0.0.1:${BITS_PORT:-7310}
run=build/run
bitsd=build/release/server/bitsd
bitsctl=build/release/client/cli/bitsctl
url=${1:-}

# stop_ours NAME: ends what an earlier run of this script started as NAME.
stop_ours() {
  local pid_file=$run/$1.pid pid
  [[ -f $pid_file ]] || return 0
  pid=$(<"$pid_file")
  # The number may be another program's by now.
  if [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$PWD" &&
    $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"$1"* ]]; then
    kill "$pid"
    for ((i = 0; i < 300; ++i)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -0 "$pid" 2>/dev/null && die "$1 (process $pid) does not end"
  fi
  rm -f "$pid_file"
}

start_bitsd() {
  setsid "$bitsd" --listen="$address" --state_dir="$run/state" --root="$run/files" \
    --store=sqlite </dev/null >"$run/bitsd.log" 2>&1 &
  local pid=$!
  echo "$pid" >"$run/bitsd.pid"
  for ((i = 0; i < 300; ++i)); do
    "$bitsctl" --server="$address" list >/dev/null 2>&1 && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$run/bitsd.log" >&2
  die "bitsd does not answer at $address (BITS_PORT chooses another port)"
}

# Serves build/run/origin on a free port, at 32 MiB/s; sets `url`.
serve_a_file() {
  say "No URL was given: making a file of 160 MiB and serving it on the loopback interface"
  mkdir -p "$run/origin/tmp"
  head -c $((160 << 20)) /dev/urandom >"$run/origin/demo.bin"
  stop_ours nginx
  trap 'stop_ours nginx' EXIT
  local port
  for ((i = 0; i < 20; ++i)); do
    port=$((20000 + RANDOM % 20000))
    cat >"$run/origin/nginx.conf" <<CONF
$([[ $(id -u) == 0 ]] && echo "user $(id -un);")
daemon on;
pid $PWD/$run/nginx.pid;
error_log $PWD/$run/origin/error.log;
events {}
http {
  access_log off;
  client_body_temp_path $PWD/$run/origin/tmp;
  proxy_temp_path $PWD/$run/origin/tmp;
  fastcgi_temp_path $PWD/$run/origin/tmp;
  uwsgi_temp_path $PWD/$run/origin/tmp;
  scgi_temp_path $PWD/$run/origin/tmp;
  server {
    listen 127.0.0.1:$port;
    root $PWD/$run/origin;
    limit_rate 32m;
  }
}
CONF
    if PATH=$PATH:/usr/sbin nginx -c "$PWD/$run/origin/nginx.conf" 2>"$run/origin/error.log"; then
      url=http://127.0.0.1:$port/demo.bin
      return
    fi
  done
  die "nginx does not start: $(<"$run/origin/error.log")"
}

show_grpcurl() {
  say "The same server by grpcurl"
  cat <<TEXT
    grpcurl -plaintext $address list
    grpcurl -plaintext $address describe bits.v1.JobService
    grpcurl -plaintext -d '{"show_final": true}' $address bits.v1.JobService/ListJobs
    grpcurl -plaintext -d '{"job": "jobs/..."}' $address bits.v1.ErrorService/GetError
TEXT
  local grpcurl
  grpcurl=$(PATH=$PWD/build/tools:$PATH command -v grpcurl) || {
    echo "(go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest installs it)"
    return
  }
  printf '\n$ grpcurl -plaintext %s list\n' "$address"
  "$grpcurl" -plaintext "$address" list
}

packages=("${BUILD_PACKAGES[@]}")
[[ -n $url ]] || packages+=(nginx-light)
install_packages "${packages[@]}"
mkdir -p "$run/state" "$run/files"
build release bitsd bitsctl bits_protoset

stop_ours bitsd
say "Starting bitsd on $address: state in $run/state, files in $run/files"
start_bitsd
made=
if [[ -z $url ]]; then
  serve_a_file
  made=1
fi

say "Transferring $url"
local_name=$(date +%Y%m%d-%H%M%S)-$(basename "${url%%[?#]*}")
"$bitsctl" --server="$address" transfer "$url" "$local_name"
ls -l "$run/files/$local_name"
if [[ -n $made ]]; then
  cmp "$run/origin/demo.bin" "$run/files/$local_name"
  echo "It is the same, byte for byte, as what was served."
  rm -f "$run/origin/demo.bin" "$run/files/$local_name"
fi

show_grpcurl
say "bitsd stays on $address; its log is $run/bitsd.log. To look at it, and to stop it:"
echo "    $bitsctl --server=$address list"
echo "    kill $(<"$run/bitsd.pid")"
