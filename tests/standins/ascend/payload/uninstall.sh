#!/bin/bash
# Lies in the folder of scripts of an installed driver or firmware.
cd "$(dirname "$(readlink -f "$0")")" || exit 1
. ./hdk.sh
. ./off.sh
words_said=$* action=Uninstall kind=full force=
for word; do
    case $word in
        --force) force=y ;;
        --quiet | --uninstall) ;;
        *) refuse "[ERROR]ERR_NO:0x0004;ERR_DES: Unrecognized parameters: $word. Only support '--quiet' and '--force'." ;;
    esac
done
root=$(get $info "${label}_Install_Path_Param")
root=${root:-$ascend}
base=$(get "$root/$part/version.info" Version)
say "[INFO]base version is ${base:-none}."
# It works on while the folder that it lies in goes.
cd /
if [ "$label" = Driver ]; then
    driver_off "$root"
    forget Driver
    say "[INFO]${green}Driver package uninstalled successfully! $plain${red}Reboot needed for uninstallation to take effect! $plain"
else
    firmware_off "$root"
    forget Firmware
    say "[INFO]Firmware package uninstalled successfully! Uninstallation takes effect immediately."
fi
record success
