# The module that drives the cards: it starts their chips, on the firmware that was flashed last.
. /usr/lib/standin/hardware.sh
state=/var/lib/standin/ascend
running=/run/standin/ascend
info=/etc/ascend_install.info

# No device nodes can be made in a container: files stand for them.
nodes() {
    echo davinci_manager devmm_svm hisi_hdc
    sed -n 's/.*"logic": \([0-9]*\).*/davinci\1/p' "$state/npus.json"
}

case "$1" in
    load)
        cards=$(slots 0x19e5 0x12)
        [ -n "$cards" ] && [ -e "$state/npus.json" ] || exit 1
        for slot in $cards; do
            bind devdrv_device_driver "$slot"
        done
        mkdir -p "$running"
        [ ! -e "$state/flashed" ] || cp "$state/flashed" "$running/firmware"
        user=$(sed -n 's/^UserName=//p' $info)
        group=$(sed -n 's/^UserGroup=//p' $info)
        mode=660
        ! grep -q '^Driver_Install_For_All=yes' $info || mode=666
        for node in $(nodes); do
            install -o "$user" -g "$group" -m "$mode" /dev/null "/dev/$node"
        done
        load drv_pcie_host "$(module_says version "$2")"
        ;;
    busy) /usr/local/bin/npu-smi info | grep -Eq '^\| [0-9]+ +[0-9]+ +\| [0-9]+ +\|' ;;
    unload)
        for node in $(nodes); do
            rm -f "/dev/$node"
        done
        unbind devdrv_device_driver
        unload drv_pcie_host
        ;;
esac
