# Shared by deploy/run.sh, tests/run.sh and .ci/run: sourced, not run.
# shellcheck shell=bash

BUILD_PACKAGES=(
  ca-certificates ccache cmake g++ mold ninja-build pkg-config
  libabsl-dev libboost-dev libc-ares-dev libcrypt-dev libcurl4-openssl-dev libgrpc++-dev libprotobuf-dev
  libre2-dev libsqlite3-dev libssl-dev protobuf-compiler protobuf-compiler-grpc
  tzdata zlib1g-dev
)

say() { printf '\n==> %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Runs a command as root: as it is, or through sudo.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root, and no sudo: cannot run: $*"
  fi
}

# Installs those of the given Debian packages that are missing.
install_packages() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  if [[ ${#missing[@]} == 0 ]]; then
    say "Packages: all $# are installed"
    return
  fi
  say "Installing with apt-get: ${missing[*]}"
  # nginx is for our own instances on free ports; its service stays off.
  local masked=
  if [[ " ${missing[*]} " == *" nginx-light "* && -d /run/systemd/system ]]; then
    as_root systemctl mask nginx.service >/dev/null 2>&1 && masked=1
  fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  if [[ -n $masked ]]; then
    as_root systemctl unmask nginx.service >/dev/null 2>&1
  fi
}

# build PRESET [-Dx=y ..] [TARGET..]: configures and builds in build/PRESET. Warnings are
# errors with CI=true.
build() {
  local preset=$1 werror=OFF settings=()
  shift
  while [[ ${1:-} == -D* ]]; do
    settings+=("$1")
    shift
  done
  [[ ${CI:-} == true ]] && werror=ON
  say "Building preset $preset in build/$preset"
  mkdir -p build
  cmake --preset "$preset" -DBITS_WERROR=$werror "${settings[@]}" >"build/$preset.configure.log" 2>&1 || {
    cat "build/$preset.configure.log"
    die "cmake --preset $preset failed"
  }
  cmake --build "build/$preset" ${1:+--target "$@"}
}
