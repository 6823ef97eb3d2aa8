# Functions shared by netd/run, tests/run and .ci/run, which source this file.

# install_packages PACKAGE…: installs those Debian packages that are missing. Needs root, or sudo, only if any is.
install_packages() {
  local package missing=()
  # Elsewhere than on Debian, what is missing shows when meson looks for it.
  command -v dpkg-query >/dev/null || return 0
  for package in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed* ]] ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  echo "installing: ${missing[*]}" >&2
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" bash -euo pipefail -c "$(declare -f install_as_root); install_as_root \"\$@\"" - "${missing[@]}"
}

# Run in a shell of its own, as root.
install_as_root() {
  # A policy-rc.d that refuses keeps memcached from starting as a service when it is installed.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq </dev/null
  apt-get install -qq --no-install-recommends "$@" </dev/null
}

# configure DIR [meson argument…]: makes the build directory DIR unless it is there. Warnings are errors in it.
configure() {
  local dir=$1
  shift
  [[ -f $dir/build.ninja ]] || meson setup --werror "$dir" "$@"
}
