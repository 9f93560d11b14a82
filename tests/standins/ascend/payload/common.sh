# What all installers share: waits and failures that a test asks for, and files of key=value.
# Sourced from the folder that a package was unpacked into.
. ./about.sh
standin=/var/lib/standin/ascend
running=/run/standin/ascend
ascend=/usr/local/Ascend

# Says that it got to a point, and stays there when a test wants that, once.
point() { # NAME
    local wait=$standin/knobs/pause-$1 seconds
    mkdir -p "$running" 2>/dev/null
    echo "$1" >>"$running/points" 2>/dev/null
    [ -f "$wait" ] || return 0
    seconds=$(cat "$wait")
    rm -f "$wait"
    sleep "$seconds"
}

get() { # FILE KEY
    [ ! -f "$1" ] || sed -n "s|^$2=||p" "$1" | head -n 1
}

put() { # FILE KEY VALUE
    touch "$1"
    if grep -q "^$2=" "$1"; then
        sed -i "s|^$2=.*|$2=$3|" "$1"
    else
        echo "$2=$3" >>"$1"
    fi
}

lacks() { # COMMAND...
    local word
    for word; do
        command -v "$word" >/dev/null || return 0
    done
    return 1
}
