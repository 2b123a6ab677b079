# Tools of the tests and the way to run them: sourced by tests/run.sh, .ci/run.
# shellcheck shell=bash

# GCC takes five times as long as clang to compile for the sanitizers.
SANITIZER_PACKAGES=(clang-14 libclang-rt-14-dev)
TEST_PACKAGES=(
  aria2 curl libgmock-dev libgtest-dev nginx-light openssl procps python3
  python3-venv wget
)
# The newest that Debian 12's Go 1.19 builds.
GRPCURL_VERSION=v1.9.1

skipped_tools=()

skip_tool() {
  echo "SKIPPED: $1 cannot be had: $2"
  skipped_tools+=("$1")
}

# A Go compiler on the PATH; Debian's if there is none.
ensure_go() {
  command -v go >/dev/null && return
  if [[ -x /usr/local/go/bin/go ]]; then
    PATH=$PATH:/usr/local/go/bin
  else
    install_packages golang-go
  fi
}

# Makes grpcurl and the Python packages available on the PATH.
install_tools() {
  mkdir -p build/tools
  export PATH=$PWD/build/tools:$PATH
  # What they fetch and compile stays here too; -modcacherw: and can be deleted like the rest.
  export GOPATH=$PWD/build/go GOCACHE=$PWD/build/go/cache GOMODCACHE=$PWD/build/go/pkg/mod
  export GOFLAGS="${GOFLAGS:+$GOFLAGS }-modcacherw" PIP_CACHE_DIR=$PWD/build/pip
  ensure_go

  if ! command -v grpcurl >/dev/null; then
    say "Installing grpcurl $GRPCURL_VERSION into build/tools"
    GOBIN=$PWD/build/tools go install \
      "github.com/fullstorydev/grpcurl/cmd/grpcurl@$GRPCURL_VERSION" 2>build/tools/grpcurl.log ||
      skip_tool grpcurl "$(tail -1 build/tools/grpcurl.log)"
  fi

  if ! cmp -s tests/requirements.txt build/venv/installed.txt; then
    say "Installing Python packages into build/venv"
    local python=python3
    [[ -x /usr/bin/python3 ]] && python=/usr/bin/python3
    rm -rf build/venv
    if "$python" -m venv build/venv &&
      build/venv/bin/pip install --quiet --disable-pip-version-check \
        -r tests/requirements.txt 2>build/tools/pip.log; then
      cp tests/requirements.txt build/venv/installed.txt
    else
      skip_tool "the Python packages" "$(tail -1 build/tools/pip.log)"
    fi
  fi
  export VIRTUAL_ENV=$PWD/build/venv PATH=$PWD/build/venv/bin:$PATH
  if [[ ${CI:-} == true && ${#skipped_tools[@]} != 0 ]]; then
    die "CI=true, and these cannot be had: ${skipped_tools[*]}"
  fi
}

# run_tests PRESET [CTEST ARGUMENT..]: all but the benchmarks; closes on ctest's
# summary. With CI=true a skipped test is a failure.
run_tests() {
  local preset=$1 result=0 wrapper=()
  shift
  say "Testing preset $preset"
  # Sanitizers want their fixed addresses free, which the kernel's address
  # randomisation may not leave (vm.mmap_rnd_bits=32).
  if [[ $preset == asan || $preset == tsan ]]; then
    wrapper=(setarch "$(uname -m)" -R)
  fi
  "${wrapper[@]}" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
    -LE bench -j "$(nproc)" "$@" | tee "build/$preset.ctest.log" || result=$?
  if [[ ${CI:-} == true ]] && were_skipped "$preset"; then
    die "CI=true, and tests were skipped"
  fi
  return "$result"
}

# Tests that CTest, or GoogleTest inside one of CTest's, did not run.
were_skipped() {
  grep -E '\*\*\*(Skipped|Not Run)' "build/$1.ctest.log" ||
    grep -E '^\[  SKIPPED \]' "build/$1/Testing/Temporary/LastTest.log"
}
