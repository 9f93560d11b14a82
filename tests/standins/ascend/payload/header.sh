#!/bin/bash
# A stand-in of a vendor's self-extracting package, for tests of metalserve. It works as makeself's
# do, with the vendor's additions.
title='@TITLE@' sha256=@SHA256@ first_line=@FIRST_LINE@ checks_more=@CHECKS_MORE@
self=$0

payload() {
    tail -n "+$first_line" "$self"
}

verify() {
    local found
    printf 'Verifying archive integrity...  100%%  '
    found=$(payload | sha256sum | cut -c -64)
    if [ "$found" != "$sha256" ]; then
        echo "Error in SHA256 checksums: $found is different from $sha256" >&2
        exit 2
    fi
    printf ' SHA256 checksums are OK.' >&2
    echo ' All good.'
}

usage() {
    cat <<EOF
Usage: ${self##*/} [options]
Options:
  --help | -h                       Print this message
  --info                            Print embedded info : title, default target directory, embedded script ...
  --list                            Print the list of files in the archive
  --check                           Checks integrity and version dependency of the archive
  --quiet                           Quiet install mode, skip human-computer interactions
  --nox11                           Do not spawn an xterm
  --noexec                          Do not run embedded script
  --extract=<path>                  Extract directly to a target directory
  --full | --run | --devel          Install mode
  --install                         Install
  --install-path=<path>             Install to specific dir
  --install-for-all                 Install for all user
  --install-username=<username>     Install to specific username
  --install-usergroup=<usergroup>   Install to specific usrgroup
  --upgrade                         Upgrade
  --uninstall                       Uninstall
  --version                         Query the package version
EOF
}

target= noexec= words=()
for word; do
    case $word in
        --help | -h) usage && exit 0 ;;
        --info)
            echo "Identification: $title"
            echo "Target directory: makeself"
            echo "Script run after extraction: ./install.sh"
            exit 0
            ;;
        --list) payload | tar tvf - && exit 0 ;;
        --check)
            [ -z "$checks_more" ] || echo "Makeself logfile: $HOME/log/makeself/makeself.log"
            verify
            [ -n "$checks_more" ] || exit 0
            words+=("$word")
            ;;
        --extract=*) target=${word#*=} noexec=y ;;
        --noexec) noexec=y ;;
        --nox11) ;;
        *) words+=("$word") ;;
    esac
done

if [ -n "$target" ]; then
    mkdir -p "$target" || exit 1
else
    target=$(mktemp -d "${TMPDIR:-/tmp}/makeself.XXXXXX") || exit 1
    trap 'rm -rf "$target"' EXIT
fi
verify
free=$(df -k --output=avail "$target" | tail -n 1 | tr -d ' ')
if [ "$free" -lt 1024 ]; then
    echo "Not enough space left in ${target%/*} ($free KB) to decompress $self (1024 KB)" >&2
    echo "Consider setting TMPDIR to a directory with more free space." >&2
    exit 1
fi
printf 'Uncompressing %s' "$title"
payload | tar -xf - -C "$target" --no-same-owner || exit 1
echo '  100%  '
[ -z "$noexec" ] || exit 0
cd "$target" || exit 1
bash ./install.sh "${words[@]}"
exit $?
