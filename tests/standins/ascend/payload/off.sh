# Takes what is installed off again: for whoever uninstalls, and for whoever overwrites.
source_tree=/usr/src/davinci_ascend-1.0
modules=/lib/modules/$(uname -r)/updates

busy() {
    /usr/local/bin/npu-smi info 2>/dev/null | grep -qE '^\| [0-9]+ +[0-9]+ +\| [0-9]+ +\|'
}

driver_off() { # ROOT
    if [ -z "$force" ] && busy; then
        say "[ERROR]${red}The davinci nodes are occupied by some processes, please stop processes and install or uninstall again, details in : $log_file $plain" | tee -a "$log_file"
        say "[INFO]If you want to install or uninstall the driver forcibly, add the force parameter. For details, see [--help]."
        record failed
        finish 1
    fi
    rm -f "$1/driver/version.info"
    point driver-uninstall
    # The modules that are in the kernel stay there.
    lacks dkms || dkms remove -m davinci_ascend -v 1.0 --all >/dev/null 2>&1
    rm -rf /var/lib/dkms/davinci_ascend "$source_tree" "$modules"/drv_*.ko
    rm -rf /usr/local/lib/npu-smi /usr/local/bin/npu-smi /usr/local/sbin/npu-smi /usr/bin/hccn_tool
    rm -f /etc/ld.so.conf.d/ascend_driver_so.conf /lib/davinci.conf
    rm -rf "$1/driver"
}

firmware_off() { # ROOT
    rm -rf "$1/firmware"
}

forget() { # LABEL
    sed -i "/^${1}_Install_/d" "$info"
    grep -q Install_Path_Param "$info" || rm -f "$info"
}
