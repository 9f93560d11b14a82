#!/bin/bash
# The installer of CANN's packages: toolkit, kernels (up to 8.3), ops (from 8.5 on) and NNAL. What
# it says when all is well is known, and some of what it refuses; the rest is marked below.
. ./common.sh
name=Ascend-cann-${package}_${version}_linux-$arch
if [ "$(id -u)" -eq 0 ]; then
    root=$ascend log_folder=/var/log/ascend_seclog register=/etc/Ascend/ascend_cann_install.info
else
    root=$HOME/Ascend log_folder=$HOME/var/log/ascend_seclog register=$HOME/Ascend/ascend_cann_install.info
fi
log_file=$log_folder/ascend_${package//-/_}_install.log

say() { # LEVEL TEXT
    echo "[$label] [$(date +%Y%m%d-%H:%M:%S)] [$1] $2" | tee -a "$log_file"
}

refuse() {
    say ERROR "$1"
    exit 1
}

action= quiet= path=
for word; do
    case $word in
        --install | --full | --devel | --run) action=install ;;
        --upgrade | --uninstall | --version) action=${word#--} ;;
        --quiet | -q) quiet=y ;;
        --install-path=*) path=${word#*=} ;;
        --install-for-all | --force | --pylocal | --whitelist=* | --nox11) ;;
        # In which words it refuses what it does not know is not known.
        *) echo "Unrecognized parameters: $word" && exit 1 ;;
    esac
done
mkdir -p "$log_folder" "$root"
chmod 750 "$log_folder"
if [ "$action" = version ]; then
    echo "$version"
    exit 0
fi
# That it does nothing without being told what to do is taken from the vendor's other packages.
[ -n "$action" ] || exit 0
say INFO "LogFile:$log_file"
echo

# These words are those of NNAL's part.
[ "$arch" = "$(uname -m)" ] || refuse "Install failed, pkg arch $arch is not consistent with the current enviroment architecture $(uname -m)."

# From 8.5 on packages with a path have been seen to install beside others.
if [ -n "$path" ] && [ -f "$register" ] && [ -n "$old_layout" ] && [ "$action" = install ]; then
    refuse "/etc/Ascend/ascend_cann_install.info exists ! 'install-path' parameter are not supported."
fi
before=$(get "$register" Install_Path)
root=${path:-${before:-$root}}
if [ -n "$old_layout" ]; then
    home=$root/ascend-toolkit/$version shown=$root/ascend-toolkit
else
    home=$root/cann-$version shown=$root/cann-$version
fi

if [ "$action" = uninstall ]; then
    case $package in
        nnal) rm -rf "$root/nnal/atb/$version" ;;
        toolkit) [ -f "$home/cann_uninstall.sh" ] && exec bash "$home/cann_uninstall.sh" ;;
        *) rm -rf "$home/opp_kernel" "$home/opp/built-in" "$home/share/info/ops_$chip" ;;
    esac
    say INFO "$name uninstall success."
    exit 0
fi

# Of a refused agreement only the question is known.
if [ -z "$quiet" ]; then
    echo "END USER LICENSE AGREEMENT of a stand-in: it may be used for tests."
    printf 'Do you accept the EULA to install CANN?[Y/N]'
    answer=
    read -r answer
    case $answer in
        Y | y) ;;
        *) refuse "Reject EULA, quit to install" ;;
    esac
fi
mkdir -p "${register%/*}"

summary() { # PART, widened to the colon
    local driver="Not installed."
    [ ! -f $ascend/driver/version.info ] || driver="Installed in $ascend/driver."
    printf '\n===========\n= Summary =\n===========\n\n'
    printf '%-*s%s\n' "$((${#1} + 2))" "Driver:" "$driver"
    printf '%s  %s\n\n' "$1" "$name install success, installed in $root."
    cat <<EOF
Please make sure that the environment variables have been configured.
-  To take effect for all users, you can add "source $shown/set_env.sh" to /etc/profile.
-  To take effect for current user, you can exec command below: source $shown/set_env.sh or add "source $shown/set_env.sh" to ~/.bashrc.

EOF
}

part() { # NAME
    local file=CANN-$1-$inner-linux.$arch.run
    say INFO "install package $file start"
    point "toolkit-$1"
    say INFO "$file --full --quiet --nox11 install success"
}

set_env() { # HOME FILE
    rm -f "$2"
    sed "s|@HOME@|$1|" set_env.sh >"$2"
    chmod 555 "$2"
}

install_toolkit() {
    say INFO "install start"
    say INFO "The installation path is $root."
    local found= minor
    for minor in 7 8 9 10 11; do
        [ "$(python3 -c 'import sys; print(sys.version_info[1])' 2>/dev/null)" != $minor ] || found=y
        lacks python3.$minor || found=y
    done
    if [ -z "$found" ] || lacks pip3; then
        refuse "There is no python3.7,python3.8,python3.9,python3.10,python3.11 in the current environment !"
    fi
    # What other packages brought stays.
    rm -rf "${home:?}/$arch-linux" "$home/toolkit"
    mkdir -p "$home/$arch-linux/lib64" "$home/toolkit"
    echo "$version" >"$home/$arch-linux/lib64/libascendcl.so"
    part runtime
    cp component.info "$home/toolkit/version.info"
    cp version.cfg "$home/version.cfg"
    part opp
    mkdir -p "$home/opp"
    cp component.info "$home/opp/version.info"
    part toolkit
    sed "s|@PATH@|$home/$arch-linux|" toolkit.info >"$home/$arch-linux/ascend_toolkit_install.info"
    install -m 555 cann_uninstall.sh "$home/cann_uninstall.sh"
    point toolkit-links
    mkdir -p "$root/ascend-toolkit"
    if [ -n "$old_layout" ]; then
        ln -sfn "$version" "$root/ascend-toolkit/latest"
        set_env "$root/ascend-toolkit/latest" "$root/ascend-toolkit/set_env.sh"
    else
        set_env "$home" "$home/set_env.sh"
        ln -sfn "cann-$version" "$root/cann"
        ln -sfn "../cann-$version" "$root/ascend-toolkit/latest"
        ln -sfn latest/set_env.sh "$root/ascend-toolkit/set_env.sh"
    fi
    put "$register" Install_Path "$root"
    put "$register" Toolkit_InstallPath "$shown"
    say INFO "Write Toolkit_InstallPath to /etc/Ascend/ascend_cann_install.info."
    summary Toolkit:
}

# That kernels and ops need their toolkit is documented, in which words they say so is not.
install_ops() {
    [ -f "$home/$arch-linux/ascend_toolkit_install.info" ] || refuse "Install failed, can not find toolkit $version in $root."
    local kernel=$home/opp/built-in/op_impl/ai_core/tbe/kernel
    mkdir -p "$kernel/ascend$chip"
    point ops-copy
    echo "$version" >"$kernel/ascend$chip/binary_info_config.json"
    cp component.info "$kernel/version.info"
    if [ -n "$old_layout" ]; then
        mkdir -p "$home/opp_kernel"
        cp component.info "$home/opp_kernel/version.info"
        say INFO "Ascend${chip^^}-opp_kernel-$inner-linux.$arch.run --devel --quiet --nox11 install success"
        say INFO "$name install success. The installation path is $shown."
    else
        mkdir -p "$home/share/info/ops_$chip"
        cp component.info "$home/share/info/ops_$chip/version.info"
        summary "ops_$chip:"
    fi
}

install_nnal() {
    label=cann-atb
    if [ -z "$ASCEND_TOOLKIT_HOME$ASCEND_NNAE_HOME" ]; then
        why="please check env ASCEND_TOOLKIT_HOME or ASCEND_NNAE_HOME is set."
    elif [ -z "$ASCEND_HOME_PATH" ]; then
        why="please check env ASCEND_HOME_PATH is set."
    elif [ ! -d "$ASCEND_HOME_PATH" ]; then
        why="can not find cann in $ASCEND_HOME_PATH."
    elif [ "$(stat -Lc %U "$ASCEND_HOME_PATH")" != "$(whoami)" ]; then
        why="current owner is not same with CANN."
    else
        why=
    fi
    if [ -n "$why" ]; then
        say ERROR "Check owner failed, $why"
        refuse "Command execution failed, [ERROR] ret code:1"
    fi
    say INFO "Check owner success!"
    local atb=$root/nnal/atb abi
    [ ! -d "$atb/$version" ] || say INFO "The installation directory exists, uninstall first.."
    chmod -R u+w "$atb/$version" 2>/dev/null
    rm -rf "${atb:?}/$version"
    mkdir -p "$atb/$version/scripts"
    point nnal-copy
    for abi in 0 1; do
        mkdir -p "$atb/$version/atb/cxx_abi_$abi/lib"
        echo "$version" >"$atb/$version/atb/cxx_abi_$abi/lib/libatb.so"
    done
    cp version.info "$atb/$version/version.info"
    printf '#!/bin/bash\nrm -rf %q\n' "$atb/$version" >"$atb/$version/scripts/uninstall.sh"
    rm -f "$atb/set_env.sh"
    install -m 555 set_env.sh "$atb/set_env.sh"
    ln -sfn "$version" "$atb/latest"
    # Root installs for all.
    local mode=440
    [ "$(id -u)" != 0 ] || mode=444
    chmod $mode "$atb/$version/version.info" "$atb/$version"/atb/*/lib/*
    chmod 555 "$atb/$version/scripts/uninstall.sh"
    say INFO "Ascend-cann-atb install success!"
    label=nnal
    say INFO "Ascend-cann-atb_${version}_linux-$arch.run install success"
    say INFO "$name.run install success"
}

case $package in
    toolkit) install_toolkit ;;
    nnal) install_nnal ;;
    *) install_ops ;;
esac
