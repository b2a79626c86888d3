#!/bin/sh
# Brings the foreign peers that the interoperability tests talk to, from Debian's packages.
# Does nothing where they are present; without the right to install it says what to install and goes on:
# the tests then skip those peers, except in CI, where a missing peer is a failure.
set -eu
# Orthanc's program stands where only root looks by default.
PATH="$PATH:/usr/sbin"
packages="dcmtk orthanc libgdcm-tools dicom3tools libjxl-tools ffmpeg fonts-noto-cjk"
missing=""
for tool in echoscu storescu dcmsend storescp dcmrecv findscu getscu movescu dcmqrscp dcmdump \
    dcmdjpeg dcmdjpls dcmdrle gdcmconv dciodvfy djxl ffmpeg Orthanc; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
# Either will do: the one without a window opens a page in half the time, and is not to be had everywhere.
command -v chromium-headless-shell >/dev/null 2>&1 || command -v chromium >/dev/null 2>&1 \
    || missing="$missing chromium"
# Pages in Chinese are shown in Chinese characters, not in boxes.
find /usr/share/fonts "${HOME:-/}/.fonts" "${HOME:-/}/.local/share/fonts" -iname '*CJK*' 2>/dev/null | grep -q . \
    || missing="$missing fonts-noto-cjk"
[ -z "$missing" ] && exit 0
echo "missing test peers:$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "install DCMTK, Orthanc, GDCM, dicom3tools, libjxl's tools, ffmpeg, Chromium and a CJK font to run all tests"
    exit 0
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "to run the interoperability tests: sudo apt-get install $packages chromium"
        exit 0
    fi
    as_root="sudo -n"
fi
$as_root apt-get update -q
browser=chromium-headless-shell
apt-cache show "$browser" >/dev/null 2>&1 || browser=chromium
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends $packages $browser
