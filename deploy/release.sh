#!/bin/sh
# Prints deploy/release.env: the digest that the registry gives each image of docker-compose.yml now. Once per release:
#   sh deploy/release.sh registry.example/paper-trading:0.1.0 > release.env && mv release.env deploy/release.env
# It needs docker with buildx, and a registry that answers; it pulls nothing. The first image is yours, pushed before.
set -eu
cd "$(dirname "$0")/.."
platform=${1:?the image of the services with its tag, as you pushed it}

digest() {
  found=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1")
  case $found in
    sha256:*) echo "$found" ;;
    *) echo "release.sh: the registry gave no digest of $1, but '$found'." >&2; return 1 ;;
  esac
}

echo "# Digests of a release, see docker-compose.release.yml. Written by deploy/release.sh."
own=$(digest "$platform")
echo "PLATFORM_IMAGE=${platform%:*}@$own"
for name in NATS POSTGRES PROMETHEUS GRAFANA; do
  image=$(sed -n "s/.*image: \${${name}_IMAGE:-\(.*\)}\$/\1/p" docker-compose.yml)
  found=$(digest "$image")
  echo "${name}_DIGEST=$found"
done
