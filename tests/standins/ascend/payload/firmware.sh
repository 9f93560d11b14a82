#!/bin/bash
# The firmware's installer.
occupies_mib=32 words_said=$*
. ./hdk.sh
. ./off.sh

parse "$@"
check_product
driver=$(installed Driver)
if [ "$action" = check ]; then
    check_versions Driver "$driver" "$goes_with"
    finish 0
fi
case $action in
    install | upgrade) say "[WARNING]Do not power off or restart the system during the installation/upgrade" ;;
esac
answer_at_once
check_users
check_path

# It speaks to the chips through the driver. That it is refused without one, and between an
# overwritten driver and the reboot, is documented; in which words is not: these are ours.
[ -n "$driver" ] || refuse "[ERROR]ERR_NO:0x0080;ERR_DES:Driver package is not installed on this device, $action failed"
loaded=$(cat /sys/module/drv_pcie_host/version 2>/dev/null)
if [ -n "$loaded" ] && [ "$loaded" != "$driver" ]; then
    refuse "[ERROR]ERR_NO:0x0080;ERR_DES:the driver has to take effect by a reboot first, $action failed"
fi
check_versions Driver "$driver" "$goes_with"
[ "$action" = upgrade ] || ask_overwrite

verb=$action
put $info UserName "$user"
put $info UserGroup "$group"
put $info Firmware_Install_Type "${kind:-full}"
put $info Firmware_Install_Path_Param "$root"
chmod 644 $info
say "[INFO]upgradePercentage: 0%"
rm -rf "$root/firmware"
mkdir -p "$root/firmware/script"
cp common.sh about.sh hdk.sh off.sh uninstall.sh "$root/firmware/script/"
chmod 555 "$root/firmware/script/uninstall.sh"
cp version.info "$root/firmware/version.info"
chmod 444 "$root/firmware/version.info"
point firmware-flash
say "[INFO]upgradePercentage: 90%"
mkdir -p "$standin"
echo "$version" >"$standin/flashed"
sync -f "$root"
say "[INFO]upgradePercentage: 100%"
chips=$(grep -c '"logic"' "$standin/npus.json" 2>/dev/null)
say "[INFO]The firmware of [${chips:-0}] chips are successfully upgraded."
say "[INFO]Firmware package ${verb/e/}ed successfully! Reboot now or after driver installation for the installation/upgrade to take effect."
record success
finish 2
