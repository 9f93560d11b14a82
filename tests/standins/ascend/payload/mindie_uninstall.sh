#!/bin/bash
# Takes the MindIE off that it lies in.
folder=$(dirname "$(dirname "$(readlink -f "$0")")")
home=${folder%/*}
cd /
chmod -R u+w "$folder"
rm -rf "$folder"
# What is not there is an error only once the version is gone.
if [ ! -L "$home/latest" ] || [ ! -f "$home/set_env.sh" ]; then
    echo "[mindie] [$(date +%Y%m%d-%H:%M:%S)] [ERROR] latest or set_env.sh is not there"
    exit 1
fi
rm -f "$home/latest" "$home/set_env.sh"
rmdir "$home" 2>/dev/null
echo "[mindie] [$(date +%Y%m%d-%H:%M:%S)] [INFO] MindIE uninstall SUCCESS!"
