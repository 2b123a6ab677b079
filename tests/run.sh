#!/usr/bin/env bash
# Installs what the tests need, builds everything, runs all tests.
#
# Usage: tests/run.sh [CTEST ARGUMENT..]      such as -R sqlite, -L unit, -j1
#
# Debian 12; uses sudo where it is not root. All that it makes is under build/:
# build/dev (the build), build/venv (Python packages), build/tools (grpcurl),
# build/go and build/pip (what these were made of); but for ccache's own cache,
# which stays where it is, so that other trees can use it. A test whose tool
# cannot be had is skipped, and says why; with CI=true that is a failure. It may
# be run again at any time, and does then only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/common.sh
source tests/tools.sh

say "bitsd: all tests. Nothing outside of build/ is changed, but for Debian packages and ccache's cache"
install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
install_tools
build dev
run_tests dev "$@"
