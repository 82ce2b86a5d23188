# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: what they need from the system, installed only where missing.

swift_wanted=6.3

# need COMMAND PACKAGE: asks for PACKAGE if COMMAND is not there. Nothing is installed yet.
missing_packages=()
need() {
  command -v "$1" >/dev/null 2>&1 || missing_packages+=("$2")
}

# What Swift itself links with. Debian 12 has gold inside binutils; Debian 13 in a package of its own.
need_host_build() {
  need git git
  need gcc gcc
  [ -e /usr/include/stdio.h ] || missing_packages+=(libc6-dev)
  # The lines of the processor; version 1 or 2, whichever the release has.
  [ -n "${SODALITE_WITHOUT_GPIOD:-}" ] || [ -e /usr/include/gpiod.h ] ||
    missing_packages+=(libgpiod-dev)
  if ! command -v ld.gold >/dev/null 2>&1; then
    missing_packages+=("$(debian_has binutils-gold && echo binutils-gold || echo binutils)")
  fi
}

# Of the Arm compiler only libgcc.a is used: Swift brings its own clang and linker.
need_embedded_build() {
  need arm-none-eabi-gcc gcc-arm-none-eabi
  need qemu-system-arm qemu-system-arm
}

debian_has() {
  command -v apt-cache >/dev/null 2>&1 && [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# Installs what was asked for; prints nothing when nothing is missing.
install_missing() {
  ((${#missing_packages[@]})) || return 0
  local names=${missing_packages[*]} sudo=()
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: $names (the Debian names; install your system's equivalents and run this again)" >&2
    return 69
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "missing: $names; as root, run: apt-get install $names" >&2
      return 69
    fi
    sudo=(sudo)
  fi
  echo "installing: $names" >&2
  if ! { "${sudo[@]}" apt-get update -qq &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing_packages[@]}"; } >&2; then
    echo "could not install: $names" >&2
    return 69
  fi
  missing_packages=()
}

# Swift is in no Debian release that is new enough, so it is asked for, not installed.
require_swift() {
  local line version
  if ! line=$(swift --version 2>/dev/null); then
    echo "Swift is not on the PATH; Sodalite needs $swift_wanted or newer: https://swift.org/install" >&2
    return 69
  fi
  version=$(sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' <<<"$line" | head -1)
  if [ "$(printf '%s\n' "$swift_wanted" "$version" | sort -V | head -1)" != "$swift_wanted" ]; then
    echo "Swift ${version:-of unknown version} is too old; Sodalite needs $swift_wanted or newer:" \
      "https://swift.org/install" >&2
    return 69
  fi
}
