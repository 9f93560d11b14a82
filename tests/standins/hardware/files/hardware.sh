# What is plugged in, and which modules are in the kernel. For hooks; plug.py says what they are.

STANDIN=/usr/lib/standin
KERNEL=$(uname -r)
PCI=/sys/bus/pci
LOADED=/sys/module

# The slots of a vendor's cards whose class begins so: slots 0x10de 0x03
slots() {
    local slot vendor class rest
    while read -r slot vendor class rest; do
        case "$vendor $class" in "$1 $2"*) echo "$slot" ;; esac
    done < $STANDIN/cards
}

# Let a driver have a card, unless another has it: bind nvidia 0000:01:00.0
bind() {
    mkdir -p "$PCI/drivers/$1"
    [ -e "$PCI/devices/$2/driver" ] || ln -s "../../drivers/$1" "$PCI/devices/$2/driver"
}

# Take every card from a driver: unbind nvidia
unbind() {
    local link
    for link in "$PCI"/devices/*/driver; do
        [ "$(basename "$(readlink "$link")")" != "$1" ] || rm "$link"
    done
}

# Whether a driver has any card: bound nouveau
bound() {
    local link
    for link in "$PCI"/devices/*/driver; do
        [ "$(basename "$(readlink "$link")")" != "$1" ] || return 0
    done
    return 1
}

loaded() {
    [ -e "$LOADED/$1/initstate" ]
}

# Put a module into the kernel: load nvidia 580.95.05
load() {
    mkdir -p "$LOADED/$1"
    echo live > "$LOADED/$1/initstate"
    echo 0 > "$LOADED/$1/refcnt"
    [ -z "${2:-}" ] || echo "$2" > "$LOADED/$1/version"
    list_modules
}

unload() {
    rm -r "${LOADED:?}/$1"
    list_modules
}

# Keep /proc/modules right, which kernels that can load no modules do not have.
list_modules() {
    local state
    [ -e /run/standin/modules ] || return 0
    for state in "$LOADED"/*/initstate; do
        [ -e "$state" ] || continue
        echo "$(basename "$(dirname "$state")") 16384 0 - Live 0x0000000000000000"
    done > /run/standin/modules
}

# Let the kernel have logged a line.
kernel_says() {
    printf '[%12.6f] %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$*" >> /run/standin/dmesg
}

# Whether a module is not to be loaded for the hardware that it is for.
blacklisted() {
    local folder file
    for folder in /etc/modprobe.d /run/modprobe.d /usr/lib/modprobe.d; do
        for file in "$folder"/*.conf; do
            [ -e "$file" ] || continue
            grep -Eqs "^(blacklist +$1|alias +$1 +off|install +$1 +/(usr/)?bin/(true|false)) *$" \
                "$file" && return 0
        done
    done
    return 1
}

# The file of a module, or nothing; what was built here goes before what came with the kernel.
module_file() {
    local folder found
    for folder in updates kernel extra weak-updates; do
        found=$(find "/lib/modules/$KERNEL/$folder" -name "$1.ko" 2> /dev/null | head -n 1)
        [ -z "$found" ] || { echo "$found"; return; }
    done
}

# A line of a module's file: module_says version FILE
module_says() {
    sed -n "s/^$1=//p" "$2"
}
