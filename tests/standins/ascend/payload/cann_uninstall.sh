#!/bin/bash
# Takes the toolkit off that it lies in.
home=$(dirname "$(readlink -f "$0")")
register=/etc/Ascend/ascend_cann_install.info
[ "$(id -u)" -eq 0 ] || register=$HOME/Ascend/ascend_cann_install.info
root=${home%/cann-*}
root=${root%/ascend-toolkit/*}
cd /
chmod -R u+w "$home"
rm -rf "$home"
for link in "$root/cann" "$root/ascend-toolkit/latest"; do
    [ -e "$link" ] || rm -f "$link"
done
# What else is installed takes the place of what was last.
for other in "$root"/cann-*; do
    [ -d "$other" ] && [ ! -e "$root/cann" ] && ln -sfn "${other##*/}" "$root/cann" && ln -sfn "../${other##*/}" "$root/ascend-toolkit/latest"
done
if [ ! -e "$root/ascend-toolkit/latest" ]; then
    rm -rf "$root/ascend-toolkit" "$register"
fi
echo "[Toolkit] [$(date +%Y%m%d-%H:%M:%S)] [INFO] uninstall success."
