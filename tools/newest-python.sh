#!/bin/sh
# Prints every CPython >= 3.11 found on PATH and under pyenv, newest first, one path a line (one per version).
# Prereleases and interpreters without venv are passed over.
{
    for minor in 20 19 18 17 16 15 14 13 12 11; do
        command -v "python3.$minor" 2>/dev/null
    done
    command -v python3 2>/dev/null
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python 2>/dev/null
} | while read -r python; do
    "$python" -c '
import sys, ensurepip, venv
if sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final" and sys.implementation.name == "cpython":
    print("%02d.%02d" % sys.version_info[:2], sys.executable)
' 2>/dev/null
done | sort -r -k1,1 -s | awk '!seen[$1]++ { print $2 }'
