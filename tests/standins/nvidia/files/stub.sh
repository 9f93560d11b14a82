#!/bin/sh
# Stand-in of NVIDIA's self-extracting archive @NAME@.
title="NVIDIA Accelerated Graphics Driver for Linux-@ARCH@ @VERSION@"
md5=@MD5@
begin=@BEGIN@

verify() {
    found=$(tail -c "+$begin" "$0" | md5sum | cut -d ' ' -f 1)
    printf "Verifying archive integrity... "
    if [ "$found" != "$md5" ]; then
        echo "Error in MD5 checksums: $found is different from $md5" >&2
        exit 2
    fi
    echo OK
}

case "${1:-}" in
    --info)
        echo
        echo "  Identification    : $title"
        echo "  Target directory  : @NAME@"
        echo "  Application run after extraction : ./nvidia-installer"
        exit 0
        ;;
    --check)
        verify
        exit 0
        ;;
    -x | --extract-only | --lsm | --pkg-history | --list | --keep | --target | --apply-patch)
        echo "$0: the stand-in does not know $1" >&2
        exit 1
        ;;
esac
verify
folder=$(mktemp -d /tmp/selfgz.XXXXXX)
trap 'rm -rf "$folder"' EXIT
printf "Uncompressing %s......\n" "$title"
tail -c "+$begin" "$0" | tar -x -C "$folder"
cd "$folder" || exit 1
./nvidia-installer "$@" &
child=$!
trap 'kill -TERM $child' TERM INT HUP
wait $child
code=$?
[ $code -le 128 ] || { wait $child; code=$?; }
exit $code
# The archive begins after this line.
