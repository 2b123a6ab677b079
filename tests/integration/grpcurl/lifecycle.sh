#!/usr/bin/env bash
# The whole life of a job by grpcurl alone, against a real nginx.
#
# Usage: lifecycle.sh BITSD TOOLS_DIRECTORY
# Needs grpcurl (in TOOLS_DIRECTORY or on the PATH) and nginx; without them the test is skipped,
# or fails if CI=true.
set -euo pipefail

bitsd=$1
PATH=$PATH:$2:/usr/sbin
readonly patience=30

fail() {
  echo "FAILED: $*" >&2
  [[ -f ${work:-}/bitsd.log ]] && tail -20 "$work/bitsd.log" >&2
  exit 1
}

for tool in grpcurl nginx; do
  if ! command -v "$tool" >/dev/null; then
    [[ ${CI:-} == true ]] && fail "CI=true, and there is no $tool"
    echo "SKIPPED: there is no $tool"
    exit 77
  fi
done

work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  [[ -f $work/nginx.pid ]] && kill "$(<"$work/nginx.pid")" 2>/dev/null
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

# --- The origin -------------------------------------------------------------------------------

mkdir "$work"/{docroot,root,nginx}
head -c 2000000 /dev/urandom >"$work/docroot/file.bin"
touch -d '2019-03-04 05:06:07 UTC' "$work/docroot/file.bin"
head -c 1000000 /dev/zero >"$work/docroot/endless.bin"

start_nginx() {
  local user=
  [[ $(id -u) == 0 ]] && user='user root;'
  # A port below those that the system gives to others; taken means another try.
  for _ in {1..50}; do
    port=$((10000 + RANDOM % 20000))
    cat >"$work/nginx.conf" <<CONF
$user
pid $work/nginx.pid;
error_log $work/nginx.log;
worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path $work/nginx/body;
  proxy_temp_path $work/nginx/proxy;
  fastcgi_temp_path $work/nginx/fastcgi;
  uwsgi_temp_path $work/nginx/uwsgi;
  scgi_temp_path $work/nginx/scgi;
  server {
    listen 127.0.0.1:$port;
    root $work/docroot;
    location /file.bin { limit_rate 1m; }
    location /endless.bin { limit_rate 1k; }
  }
}
CONF
    # It returns once it listens.
    nginx -p "$work" -c "$work/nginx.conf" 2>>"$work/nginx.start.log" && return
  done
  fail "nginx does not start: $(tail -3 "$work/nginx.start.log")"
}
start_nginx
origin=http://127.0.0.1:$port

# --- bitsd --------------------------------------------------------------------------------------

echo 'policy { background_slots: 1 }' >"$work/config"
mkfifo "$work/server" "$work/watch"
"$bitsd" --listen=127.0.0.1:0 --state_dir="$work/state" --root="$work/root" \
  --config="$work/config" >"$work/server" 2>&1 &
server_pid=$!
pids+=("$server_pid")
exec {server_log}<"$work/server"
address=
while read -r -t "$patience" -u "$server_log" line; do
  echo "$line" >>"$work/bitsd.log"
  [[ $line =~ listening\ address=([^ ]+) ]] && address=${BASH_REMATCH[1]}
  [[ $line == *" serving "* ]] && break
done
[[ -n $address ]] || fail "bitsd does not listen"
cat <&"$server_log" >>"$work/bitsd.log" &
pids+=($!)

# --- grpcurl ------------------------------------------------------------------------------------

# call METHOD JSON: the answer is in $answer.
call() {
  answer=$(grpcurl -plaintext -max-time "$patience" -d "$2" "$address" "bits.v1.$1") ||
    fail "$1 $2"
}
# refused METHOD JSON REASON
refused() {
  if answer=$(grpcurl -plaintext -max-time "$patience" -d "$2" "$address" "bits.v1.$1" 2>&1); then
    fail "$1 is not refused: $answer"
  fi
  has "\"reason\": \"$3\""
}
# has TEXT: it is in $answer. Blanks aside, and fields may be named as in the proto or as in JSON.
has() {
  [[ $(plain "$answer") == *"$(plain "$1")"* ]] || fail "no $1 in: $answer"
}
plain() { tr -d '[:space:]_' <<<"$1" | tr '[:upper:]' '[:lower:]'; }
# field NAME: the value of a field of the message itself.
field() { sed -n "s/^  \"$1\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p" <<<"$answer"; }

step() { echo "--- $*"; }

step list and describe
answer=$(grpcurl -plaintext "$address" list) || fail list
has bits.v1.JobService
has bits.v1.ErrorService
answer=$(grpcurl -plaintext "$address" describe bits.v1.JobService.CreateJob) || fail describe
has 'rpc CreateJob ( .bits.v1.CreateJobRequest ) returns ( .bits.v1.Job );'
answer=$(grpcurl -plaintext "$address" describe bits.v1.Error) || fail describe
has 'uint32 hresult = 1;'

answer=$(grpcurl -plaintext "$address" grpc.health.v1.Health/Check) || fail health
has '"status": "SERVING"'

step watch
grpcurl -plaintext -d '{}' "$address" bits.v1.JobService.WatchJobs >"$work/watch" 2>&1 &
pids+=($!)
exec {watch}<"$work/watch"
# await JOB STATE: until the watch tells that the job is in that state.
await() {
  local name=
  while read -r -t "$patience" -u "$watch" line; do
    [[ $line =~ ^\"name\":\ \"(jobs/[^/]*)\" ]] && name=${BASH_REMATCH[1]}
    [[ $name == "$1" && $line == "\"state\": \"$2\","* ]] && return
  done
  fail "$1 does not come to $2"
}

step create, add, resume
call JobService.CreateJob '{"job": {"display_name": "by hand"}}'
job=$(field name)
[[ $job == jobs/* ]] || fail "no name in: $answer"
has '"state": "STATE_SUSPENDED"'
refused JobService.ResumeJob "{\"name\": \"$job\"}" BG_E_EMPTY
call JobService.AddFiles "{\"parent\": \"$job\", \"files\": [
  {\"remote_name\": \"$origin/missing.bin\", \"local_name\": \"fetched/file.bin\"}]}"
file=$job/files/1
has "\"name\": \"$file\""
refused ErrorService.GetError "{\"job\": \"$job\"}" BG_E_ERROR_INFORMATION_UNAVAILABLE
call JobService.ResumeJob "{\"name\": \"$job\"}"
has '"state": "STATE_QUEUED"'

step the 404
await "$job" STATE_ERROR
check_error() {
  call ErrorService.GetError "{\"job\": \"$job\"}"
  has '"hresult": 2149122452'
  has '"code": "BG_E_HTTP_ERROR_404"'
  has '"context": "ERROR_CONTEXT_REMOTE_FILE"'
  has "\"file\": \"$file\""
  has '"http_status": 404'
}
check_error

step mend, resume: the error stays while the job waits
call JobService.UpdateFile "{\"file\": {\"name\": \"$file\", \"remote_name\": \"$origin/file.bin\"}}"
has "\"remote_name\": \"$origin/file.bin\""
check_error
# Another job has the only background slot.
call JobService.CreateJob "{\"job\": {\"display_name\": \"first in line\"}, \"start\": true,
  \"files\": [{\"remote_name\": \"$origin/endless.bin\", \"local_name\": \"endless.bin\"}]}"
other=$(field name)
await "$other" STATE_TRANSFERRING
call JobService.ResumeJob "{\"name\": \"$job\"}"
call JobService.GetJob "{\"name\": \"$job\"}"
has '"state": "STATE_QUEUED"'
has '"reason": "REASON_SLOT"'
check_error

step transferring: the error is gone
call JobService.CancelJob "{\"name\": \"$other\"}"
has '"state": "STATE_CANCELLED"'
await "$job" STATE_TRANSFERRING
refused ErrorService.GetError "{\"job\": \"$job\"}" BG_E_ERROR_INFORMATION_UNAVAILABLE
has '"hresult": "0x8020000F"'
call ErrorService.ListErrors "{\"parent\": \"$job\"}"
has '"code": "BG_E_HTTP_ERROR_404"'

step complete
await "$job" STATE_TRANSFERRED
[[ ! -e $work/root/fetched/file.bin ]] || fail "the file is there before CompleteJob"
call JobService.CompleteJob "{\"name\": \"$job\"}"
has '"state": "STATE_ACKNOWLEDGED"'
has '"result": "RESULT_OK"'
cmp "$work/docroot/file.bin" "$work/root/fetched/file.bin" || fail "another content"
[[ $(stat -c %Y "$work/root/fetched/file.bin") == $(stat -c %Y "$work/docroot/file.bin") ]] ||
  fail "another modification time"
refused JobService.ResumeJob "{\"name\": \"$job\"}" BG_E_INVALID_STATE

step stop
kill -TERM "$server_pid"
wait "$server_pid" || fail "bitsd exits with $?"
echo OK
