#!/bin/bash
# The driver's installer.
occupies_mib=300 words_said=$*
. ./hdk.sh
. ./off.sh

failed() { # TEXT
    say "[ERROR]$red$1, details in : $log_file $plain" | tee -a "$log_file"
    say "[INFO]Failed to $verb driver package, please retry after uninstall and reboot!"
    record failed
    finish 1
}

check_tools() {
    # Of the tools that the vendor's looks for, those that a small system does not have.
    local missing=
    lacks update-rc.d && lacks chkconfig && missing=update-rc.d,chkconfig,
    lacks lspci && missing=${missing}lspci,
    lacks ifconfig && missing=${missing}ifconfig,
    [ -z "$missing" ] || refuse "[ERROR]The list of missing tools: $missing"
}

# Modules are built for the running kernel: by DKMS, else directly. What the vendor's says while
# it builds without DKMS is not known: "Direct" is its word for modules that it need not build.
check_build() {
    local tree answer=
    tree=/lib/modules/$(uname -r)/build
    if ! lacks gcc make && [ ! -d "$tree" ]; then
        echo "[WARNING]rebuild ko has something wrong, detail in $seclog/ascend_rebuild.log"
        printf 'Do you want to try build driver after input kernel absolute path? [y/n]:'
        read -r answer
        [ "$answer" != y ] || { printf 'Please input your kernel absolute path:' && read -r tree; }
    fi
    if lacks gcc make || [ ! -d "$tree" ]; then
        lacks gcc && log "[WARNING]The program 'gcc' is currently not installed."
        lacks make && log "[WARNING]The program 'make' is currently not installed."
        [ -d "$tree" ] || log "[WARNING]linux headers is currently not installed."
        failed "Drv_dkms_env_check failed"
    fi
    built=DKMS
    lacks dkms && built=Direct
    say "[INFO]driver install type: $built"
}

build_modules() {
    local names="drv_seclib_host drv_devmm_host drv_pcie_host" name
    point driver-ko
    if [ "$built" = DKMS ]; then
        mkdir -p "$source_tree"
        printf '%s\n' "modules=$names" "module.version=$version" >"$source_tree/dkms.conf"
        for name in add build install; do
            if ! dkms $name -m davinci_ascend -v 1.0 >>"$log_file" 2>&1; then
                say "[ERROR]Dkms install failed, details in : $log_file"
                failed "Driver_ko_install failed"
            fi
        done
    else
        mkdir -p "$modules"
        for name in $names; do
            echo "version=$version" >"$modules/$name.ko"
        done
    fi
}

link_tools() {
    rm -rf /usr/local/lib/npu-smi
    mkdir /usr/local/lib/npu-smi
    cp -r npu_smi /usr/local/lib/npu-smi/
    echo "$version" >/usr/local/lib/npu-smi/npu_smi/version
    install -m 755 npu-smi /usr/local/bin/npu-smi
    ln -sfn /usr/local/bin/npu-smi /usr/local/sbin/npu-smi
    ln -sfn "$root/driver/tools/hccn_tool" /usr/bin/hccn_tool
    printf '%s\n' "$root"/driver/lib64/{common,driver} "$root/driver/lib64" >/etc/ld.so.conf.d/ascend_driver_so.conf
}

start_chips() {
    local name
    for name in drv_seclib_host drv_devmm_host drv_pcie_host; do
        modprobe "$name" >>"$log_file" 2>&1 || return 1
    done
}

copy() {
    local folder=$root/driver
    rm -rf "$folder"
    mkdir -p "$folder"/{bin,device,lib64/common,lib64/driver,script,tools}
    cp common.sh about.sh hdk.sh off.sh uninstall.sh "$folder/script/"
    cp upgrade-tool hccn_tool "$folder/tools/"
    chmod 555 "$folder"/tools/* "$folder/script/uninstall.sh"
    # Filled when all is flushed: until then nothing works, whatever version.info says.
    : >"$folder/lib64/driver/libdrvdsmi_host.so"
    echo standin >"$folder/lib64/common/libc_sec.so"
}

own() {
    [ -f /etc/hccn.conf ] || install -m 640 /dev/null /etc/hccn.conf
    chown -R "root:$group" "$root/driver"
    [ "$for_all" = yes ] || chmod -R o= "$root/driver"
    chmod 444 "$root/driver/version.info"
    [ "$for_all" = yes ] || chmod 440 "$root/driver/version.info"
}

install_all() { # VERB, in the infinitive
    local first_time=y in_effect=
    verb=$1
    lsmod | grep -q drv_pcie_host && first_time=
    put $info UserName "$user"
    put $info UserGroup "$group"
    put $info Driver_Install_Type "${kind:-full}"
    put $info Driver_Install_Path_Param "$root"
    put $info Driver_Install_For_All "$for_all"
    put $info Driver_Install_Mode normal
    chmod 644 $info
    if [ "$kind" != devel ]; then
        check_build
    fi
    say "[INFO]upgradePercentage:10%"
    point driver-copy
    copy
    say "[INFO]upgradePercentage:30%"
    echo "DAVINCI_HOME_PATH=$root" >/lib/davinci.conf
    say "[INFO]upgradePercentage:40%"
    [ "$kind" = devel ] || build_modules
    [ "$kind" = devel ] || link_tools
    say "[INFO]upgradePercentage:90%"
    cp version.info "$root/driver/version.info"
    own
    point driver-version
    echo standin >"$root/driver/lib64/driver/libdrvdsmi_host.so"
    sync -f "$root"
    # Chips start at once only under a driver that is the first since the host booted.
    if [ -n "$first_time" ] && [ "$kind" != devel ]; then
        say "[INFO]Waiting for device startup..."
        if [ -f "$standin/knobs/starts-at-once" ] && start_chips; then
            in_effect=y
            say "[INFO]Device startup success"
        else
            say "[WARNING]Device startup fail"
        fi
    fi
    [ "$kind" != devel ] || in_effect=y
    say "[INFO]upgradePercentage:100%"
    local past=${verb/e/}ed
    if [ -n "$in_effect" ]; then
        say "[INFO]${green}Driver package $past successfully! The new version takes effect immediately. $plain"
    else
        say "[INFO]${green}Driver package $past successfully! $plain${red}Reboot needed for installation/upgrade to take effect! $plain"
    fi
    record success
    [ -n "$in_effect" ] || finish 2
    finish 0
}

parse "$@"
check_product
case $action in
    install | upgrade) say "[WARNING]\033[33mDo not power off or restart the system during the installation/upgrade$plain" ;;
esac
if [ "$arch" != "$(uname -m)" ]; then
    refuse "[ERROR]${red}Arch mismatch, src package is $arch_spelled, cur os is $(uname -m) $plain"
fi
firmware=$(installed Firmware)
if [ "$action" = check ]; then
    check_versions Firmware "$firmware" "$goes_with"
    finish 0
fi
answer_at_once
check_users
say "[INFO]set username and usergroup, $user:$group"
check_path
check_tools
before=$(get $info Driver_Install_Path_Param)
if [ "$action" = upgrade ]; then
    kept=$(get $info Driver_Install_For_All)
    for_all=${kept:-$for_all}
    kind=$(get $info Driver_Install_Type)
    [ -z "$before" ] || driver_off "$before"
    check_versions Firmware "$firmware" "$goes_with"
    install_all upgrade
fi
check_versions Firmware "$firmware" "$goes_with"
ask_overwrite
[ -z "$before" ] || driver_off "$before"
install_all install
