#!/bin/sh
# Tells by its exit code whether PATH has npm and a node that is new enough to build the pages (>= 20.19).
command -v npm >/dev/null 2>&1 && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
' 2>/dev/null
