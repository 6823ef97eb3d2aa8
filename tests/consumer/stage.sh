# Sourced by the scripts that use an installed larder.

# stage WORK_DIR BUILD_ROOT PREFIX: installs into WORK_DIR, which is emptied first; `installed` is then where PREFIX is.
stage() {
  rm -rf "$1"
  mkdir -p "$1"
  meson install -C "$2" --no-rebuild --quiet --destdir "$1/stage"
  installed=$1/stage$3
}
