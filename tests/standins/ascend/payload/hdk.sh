# What the installers of driver and firmware share. Their words, their order and their exit codes
# (0: in effect, 1: failed, 2: in effect after a reboot) are those of the driver's installer, which
# the vendor published; of the firmware's only outputs are known, it is taken to be alike.
. ./common.sh
seclog=/var/log/ascend_seclog
log_file=$seclog/ascend_install.log
info=/etc/ascend_install.info
part=${label,,}
red='\033[31m' green='\033[32m' plain='\033[0m'

say() { # TEXT, which may have escapes
    printf '[%s] [%s] %b\n' "$label" "$(date '+%Y-%m-%d %H:%M:%S')" "$1"
}

log() {
    say "$1" >>"$log_file"
}

finish() { # CODE
    say "[INFO]End time: $(date '+%Y-%m-%d %H:%M:%S')" | tee -a "$log_file"
    exit "$1"
}

refuse() { # TEXT
    say "$1" | tee -a "$log_file"
    finish 1
}

begin() {
    if [ "$(id -u)" -ne 0 ]; then
        say "[ERROR]ERR_NO:0x0093;ERR_DES:do not have root permission, operation failed, please use root permission!"
        exit 1
    fi
    mkdir -p "$seclog" "$running"
    chmod 750 "$seclog"
    say "[INFO]Start time: $(date '+%Y-%m-%d %H:%M:%S')" | tee -a "$log_file"
    say "[INFO]LogFile: $log_file"
    say "[INFO]OperationLogFile: $seclog/operation.log"
    exec 9>"$running/hdk.lock"
    flock -n 9 || refuse "[ERROR]ERR_NO:0x0094;ERR_DES:There is already a process being executed,please do not execute multiple tasks at the same time"
}

needs() {
    refuse "[ERROR]ERR_NO:0x0004;ERR_DES:$1"
}

parse() { # WORDS
    types=0 words=0 kind= action= quiet= force= for_all=no user= group= path=
    if [ $# -eq 0 ]; then
        say "[ERROR]ERR_NO:0x0004;ERR_DES: Unrecognized parameters. Try './xxx.run --help' for more information."
        exit 1
    fi
    begin
    local word
    for word; do
        [ "$word" = --install-for-all ] || words=$((words + 1))
        case $word in
            --full | --run | --devel) action=install kind=${word#--} types=$((types + 1)) ;;
            --upgrade) action=upgrade types=$((types + 1)) ;;
            --uninstall | --check | --version) action=${word#--} ;;
            --quiet | -q) quiet=y ;;
            --force) force=y ;;
            --install-for-all) for_all=yes ;;
            --install-username=*) user=${word#*=} ;;
            --install-usergroup=*) group=${word#*=} ;;
            --install-path=*) path=${word#*=} ;;
            *) needs " Unrecognized parameters: $word. Try './xxx.run --help' for more information." ;;
        esac
    done
    case $action in
        check | version) [ "$words" -eq 1 ] || needs "version/check can't use with other parameters." ;;
        uninstall) [ "$words" -eq 1 ] || [ "$force$words" = y2 ] || needs "uninstall can't use with other parameters except force." ;;
        *) [ "$types" -eq 1 ] || needs "The parameter needs to be used with full/debug/run/docker/upgrade/devel." ;;
    esac
    [ -z "$path" ] || [ "$action" = install ] || needs "install-path param need used with full/debug/run/docker/devel."
    if [ -n "$user$group" ] && { [ -z "$user" ] || [ -z "$group" ]; }; then
        say "[ERROR]ERR_NO:0x0004;ERR_DES:Username and usergroup are not specified at the same time."
        refuse "[ERROR]Please input the right params and try again."
    fi
    base=$(installed "$label")
    [ -z "$(get $info "${label}_Install_Path_Param")" ] || say "[INFO]base version is ${base:-none}."
}

installed() { # LABEL: the version that lies on disk, if any
    local root
    root=$(get $info "${1}_Install_Path_Param")
    get "${root:-$ascend}/${1,,}/version.info" Version
}

# The chips that this package is for, among those of the vendor that the host has.
check_product() {
    local folder vendor device others= matching=
    for folder in /sys/bus/pci/devices/*; do
        vendor=$(cat "$folder/vendor" 2>/dev/null) device=$(cat "$folder/device" 2>/dev/null)
        [ "$vendor" = 0x19e5 ] || continue
        case $device in
            "$pci") matching=y ;;
            0xd[0-9]0[0-9]) others=y ;;
        esac
    done
    if [ -n "$others" ] && [ -z "$matching" ]; then
        # Without a last line that tells the time.
        say "[ERROR]The current installation package and environment is not match, please check."
        exit 1
    fi
}

check_users() {
    local before
    before=$(get $info UserName)
    if [ -n "$user" ]; then
        if [ "$for_all" = no ]; then
            [ "$user" != root ] || refuse "[ERROR]ERR_NO:0x0091;ERR_DES:username not permission for root"
            [ "$group" != root ] || refuse "[ERROR]ERR_NO:0x0091;ERR_DES:usergroup not permission for root"
        fi
        if [ -n "$before" ] && [ "$before:$(get $info UserGroup)" != "$user:$group" ]; then
            refuse "[ERROR]ERR_NO:0x0095;ERR_DES:The user and group are not same with last installation,do not support overwriting installation"
        fi
    else
        user=${before:-HwHiAiUser} group=$(get $info UserGroup)
        group=${group:-HwHiAiUser}
        if [ "$user" = root ] && [ "$action" = install ] && [ "$for_all" = no ]; then
            refuse "[ERROR]ERR_NO:0x0091;ERR_DES:username not permission for root, check /etc/ascend_install.info"
        fi
    fi
    getent passwd "$user" >/dev/null || refuse "[ERROR]ERR_NO:0x0091;ERR_DES:$user not exists! Please add $user"
    getent group "$group" >/dev/null || refuse "[ERROR]ERR_NO:0x0091;ERR_DES:$group group not exists! Please add $group group"
    id -nG "$user" | grep -qw "$group" || refuse "[ERROR]ERR_NO:0x0096;ERR_DES:$group not right! Please check the relatianship of $user and $group"
}

check_path() {
    local before
    before=$(get $info "${label}_Install_Path_Param")
    root=${path:-${before:-$ascend}}
    case $root in
        /*) ;;
        *) refuse "[ERROR]ERR_NO:0x0003;ERR_DES:install-path input error, install failed" ;;
    esac
    if [ ! -d "$root" ] && [ "$root" != "$ascend" ] && [ ! -d "${root%/*}" ]; then
        refuse "[ERROR]ERR_NO:0x0003;ERR_DES:install path ${root%/*} not exists,runpackage only support create one level of directory,need create ${root%/*}."
    fi
    [ -d "$root" ] || mkdir -p -m 755 "$root"
    local free
    free=$(df -BM --output=avail "$root" | tail -n 1 | tr -d ' ')
    if [ "${free%M}" -le "$occupies_mib" ]; then
        refuse "[ERROR]free space only $free, cannot install $part package (greater than ${occupies_mib}M), please make sure enough space under the installation path"
    fi
}

# Goes on at y, ends at n, and asks for ever of one who says nothing. The vendor's does not even
# draw breath.
ask() { # QUESTION
    say "[INFO]$1"
    local answer
    while true; do
        answer=
        read -r answer
        case $answer in
            y) return ;;
            n) say "[INFO]installation Stoped!" && finish 0 ;;
            *) say "[ERROR]ERR_NO:0x0002;ERR_DES:input error, please input again!" && sleep 0.2 ;;
        esac
    done
}

ask_overwrite() {
    [ -z "$base" ] || [ -n "$quiet" ] || ask "$label package has been installed on the path $root, the version is $base, and the version of this package is $version,do you want to continue?  [y/n] "
}

# A range is [lowest,highest]; one whose end is a dot means every version that begins so.
within() { # VERSION RANGES
    awk -v wanted="$1" -v ranges="$2" '
        function below(a, b,  i, n, m, x, y) {
            n = split(a, x, "."); m = split(b, y, ".")
            for (i = 1; i <= n || i <= m; i++)
                if (x[i] + 0 != y[i] + 0) return x[i] + 0 < y[i] + 0
            return 0
        }
        BEGIN {
            n = split(ranges, range, /\],?/)
            for (i = 1; i < n; i++) {
                split(substr(range[i], 2), end, ",")
                if (end[2] ~ /\.$/) {
                    if (wanted == end[1] || index(wanted, end[2]) == 1) exit 0
                } else if (!below(wanted, end[1]) && !below(end[2], wanted)) exit 0
            }
            exit 1
        }'
}

# Of a package that does not go with what is there it only warns, and asks whoever is not quiet.
check_versions() { # OTHER LABEL, OTHER VERSION, RANGES
    [ -n "$2" ] || return
    if within "$2" "$3"; then
        say "[INFO]$part and ${1,,} version relationship check success"
        return
    fi
    say "[WARNING]$part and ${1,,} version relationship check fail" | tee -a "$log_file"
    [ "$action" != check ] && [ -z "$quiet" ] || return
    echo "[WARNING]$part required ${1,,} version not match ,do you want to continue?  [y/n] "
    local answer
    while true; do
        answer=
        read -r answer
        case $answer in
            y) return ;;
            n) echo "Stop installation!" && finish 1 ;;
            *) echo "ERR_NO:0x0002;ERR_DES:input error, please input again!" && sleep 0.2 ;;
        esac
    done
}

record() { # RESULT
    echo "$action SUGGESTION root $(date '+%Y-%m-%d %H:%M:%S') 127.0.0.1 ${0##*/} $1 install_type=$kind; cmdlist=$words_said." >>"$seclog/operation.log"
}

answer_at_once() {
    case $action in
        version) say "[INFO]$part version :$version" && finish 0 ;;
        uninstall)
            [ -n "$(get $info "${label}_Install_Path_Param")" ] || refuse "[ERROR]ERR_NO:0x0080;ERR_DES:$label package is not installed on this device, uninstall failed"
            exec 9>&-
            exec bash "$(get $info "${label}_Install_Path_Param")/$part/script/uninstall.sh" ${force:+--force}
            ;;
    esac
}
