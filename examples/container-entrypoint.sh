#!/bin/sh
# As in memcached's image: flags alone are netd's.
set -eu
case ${1-} in
  -*) set -- netd "$@" ;;
esac
exec "$@"
