#!/bin/bash
# MindIE's installer, after the two that the vendor published: up to 2.x, and 3. Of the layout that
# 3 leaves its documentation says what 2.x's says, which is followed here.
. ./common.sh
home=/usr/local/Ascend/mindie
case $version in
    [12].*) generation=2 log_file=/var/log/mindie_log/log_mindie_install.log ;;
    *) generation=3 log_file=/var/log/mindie/install.log ;;
esac
if [ "$(id -u)" -ne 0 ]; then
    log_file=/home/$(whoami)$log_file
fi

print() { # LEVEL TEXT
    local line="[mindie] [$(date +%Y%m%d-%H:%M:%S)] [$1] $2"
    [ $generation = 2 ] || line="[$(date '+%F %T')] [$1] $2"
    if [ -f "$log_file" ]; then
        echo "$line" | tee -a "$log_file"
    else
        echo "$line"
    fi
}

refuse() {
    print ERROR "$1"
    exit "${2:-1}"
}

action= quiet= target= given=
while [ $# -gt 0 ]; do
    word=${1%%=*}
    case $1 in
        --install | --upgrade | --uninstall | --quiet | --install-path=*)
            [ $generation = 3 ] || [[ " $given " != *" $word "* ]] || refuse "parameter error ! ${word#--} is repeat."
            given="$given $word"
            ;;
    esac
    case $1 in
        --install | --upgrade | --uninstall)
            [ -z "$action" ] || [ $generation = 3 ] || refuse "parameter error | Scene conflict."
            action=${1#--}
            ;;
        --quiet) quiet=y ;;
        --install-path=*) target=${1#*=} ;;
        --install-path) [ $generation = 3 ] && target=$2 && shift ;;
        --*) ;;
        *)
            [ $generation = 3 ] || { print ERROR "Unsupported parameters: $1" && exit 1; }
            ;;
    esac
    shift
done
if [ -n "$target" ] && [ -z "$action" ] && [ $generation = 2 ]; then
    refuse 'the "--install-path" parameter cannot be used alone. It must be used with either "--install", "--uninstall" or "--upgrade", please use "--help" or "-h" option for detailed information.'
fi
# Nothing to do is no fault.
[ -n "$action" ] || exit 0
mkdir -p "${log_file%/*}"
touch "$log_file"
chmod 750 "${log_file%/*}"
chmod 640 "$log_file"
[ $generation = 3 ] || print INFO "Log save in $log_file"

check_arch() {
    [ "$arch" != "$(uname -m)" ] || return 0
    [ $generation = 3 ] || refuse "It is system of $(uname -m), but run package is $arch"
    refuse "Install failed, pkg arch $arch is not consistent with the current environment architecture $(uname -m)."
}

check_owner() {
    [ -n "$ASCEND_HOME_PATH" ] || refuse "Install failed, please source cann set_env.sh first."
    [ -d "$ASCEND_HOME_PATH" ] || refuse "Install failed, can not find cann in $ASCEND_HOME_PATH."
    [ "$(stat -Lc %U "$ASCEND_HOME_PATH")" = "$(whoami)" ] || refuse "Install failed, current owner is not same with CANN."
    [ "$(id -u)" -eq 0 ] || home=/home/$(whoami)/Ascend/mindie
    [ -z "$target" ] || home=$target/mindie
    print INFO "check owner pass"
}

ask() {
    local answer= question="Do you accept the EULA to $action MindIE?[Y/N]"
    if [ -n "$quiet" ]; then
        [ $generation = 3 ] || print INFO "Quiet $action, accept EULA by default"
        return
    fi
    [ $generation = 2 ] || question="Do you accept the EULA to MindIE?[Y/N]"
    print INFO "show ./eula_en.txt"
    cat eula_en.txt >&2
    read -rn1 -ep "$question" answer
    case $answer in
        Y | y) print INFO "Accept EULA, start to $action" ;;
        *) refuse "Reject EULA, quit to $action" ;;
    esac
}

install_parts() {
    local folder=$home/$version minor kept=
    minor=$(python3 -c 'import sys; print(sys.version_info[1])' 2>/dev/null)
    case $minor in
        10 | 11) print INFO "Current Python Interpreter: python3.$minor" ;;
        *) refuse "MindIE-LLM python api install failed, please install Python3.10 or Python3.11 first" ;;
    esac
    [ "$action" = install ] || [ ! -f "$home/latest/mindie-service/conf/config.json" ] || kept=$(cat "$home/latest/mindie-service/conf/config.json")
    [ ! -d "$folder" ] || chmod -R u+w "$folder"
    rm -rf "$folder" "$home/temp"
    mkdir -p "$folder/mindie-service" "$folder/mindie-llm/lib" "$folder/scripts" "$home/temp"
    point mindie-service
    cp -r service/. "$folder/mindie-service/"
    cp service_set_env.sh "$folder/mindie-service/set_env.sh"
    mkdir -p "$folder/mindie-service"/{bin,conf,lib/grpc,logs,security}
    if [ -n "$kept" ]; then
        # The vendor's carries the settings over by rules of its own, which change keys.
        print INFO "mindie-service config.json retaining start."
        printf '%s\n' "$kept" >"$folder/mindie-service/conf/config.json"
        print INFO "mindie-service config.json retained success."
    fi
    [ $generation = 3 ] || print INFO "mindie-service Install SUCCESS in $folder/mindie-service"
    point mindie-llm
    cp llm_set_env.sh "$folder/mindie-llm/set_env.sh"
    echo "$version" >"$folder/mindie-llm/lib/libmindie_llm.so"
    if [ $generation = 3 ]; then
        print INFO "Ascend-mindie-llm install success!"
    else
        print INFO "mindie-llm Install SUCCESS in $folder/mindie-llm"
    fi
    # The vendor's runs pip, which puts it there; a test's host has none, and its own Python is left.
    if [ -n "$PIP_TARGET" ]; then
        (umask 027 && "python3.$minor" -m zipfile -e mindie_llm-*.whl "$PIP_TARGET") ||
            refuse "MindIE-LLM python api install failed"
    fi
    install -m 750 mindie_set_env.sh "$home/set_env.sh"
    install -m 550 mindie_uninstall.sh "$folder/scripts/uninstall.sh"
    cp version.info "$folder/version.info"
    rm -rf "$home/temp"
    point mindie-latest
    ln -snf "$version" "$home/latest"
    # The service's folder, as the vendor leaves it: nothing in it is for others.
    find "$folder/mindie-service" -type d -exec chmod 550 {} +
    chmod -R 550 "$folder/mindie-service/bin"
    chmod -R 700 "$folder/mindie-service/security"
    chmod 640 "$folder/mindie-service/conf/config.json"
    chmod 750 "$home" "$folder" "$folder/mindie-service"{,/logs} "$folder/mindie-llm"
    chmod 440 "$folder/version.info"
}

check_arch
check_owner
if [ "$action" = uninstall ]; then
    print INFO "uninstall start"
    if [ ! -f "$home/latest/version.info" ]; then
        print ERROR "run package is not install on path $home, uninstall failed !"
        refuse "check the environment failed" 2
    fi
    exec "$home/latest/scripts/uninstall.sh"
fi
case $target in
    "" | /*) ;;
    *) refuse "Install failed, [ERROR] use absolute path for --install-path argument" ;;
esac
ask
[ $generation = 2 ] || print INFO "Installing MindIE to: $home"
install_parts
if [ $generation = 3 ]; then
    print INFO "MindIE installation SUCCESS!"
    print INFO "To uninstall: sudo bash $home/scripts/uninstall.sh"
    exit 0
fi
print INFO "mindie ${action^} SUCCESS in $home/$version"
echo "------"
echo "To take effect for current user, you can exec command : source $home/set_env.sh"
echo "------"
