#!/bin/sh
# tsan_test.sh reports|accepts PROGRAM SAMPLE..: that TSan reports a race in each sample, by
# its text and by failing the program, or that it does neither.
set -u
expected=$1 program=$2 bad=0
shift 2
for sample; do
  said=$("$program" "$sample" 2>&1)
  code=$?
  case $expected:$code:$said in
    reports:66:*"data race"*"Race("*) ;;
    accepts:0:done) ;;
    *) printf '%s: not as it should be (exit code %d)\n%s\n' "$sample" "$code" "$said"; bad=1 ;;
  esac
done
exit $bad
