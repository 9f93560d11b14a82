# NVIDIA's driver: of no use while nouveau has the cards, or where there are none.
. /usr/lib/standin/hardware.sh
FACTS=$STANDIN/nvidia/gpus
STATE=/run/standin-nvidia

case "$1" in
    load)
        ! bound nouveau || exit 1
        found=$(slots 0x10de 0x03)
        [ -n "$found" ] || exit 1
        load nvidia "$(module_says version "$2")"
        kernel_says "NVRM: loading NVIDIA UNIX Kernel Module for $(uname -m)" \
            "$(module_says version "$2")"
        minor=0
        mknod -m 666 /dev/nvidiactl c 195 255
        for slot in $found; do
            bind nvidia "$slot"
            mknod -m 666 "/dev/nvidia$minor" c 195 "$minor"
            minor=$((minor + 1))
        done
        # A change of ECC and remapped rows have waited for this.
        sed -i -E -e '/^[0-9]+\.rows_pending=/ s/=.*/=0/' \
            -e '/^[0-9]+\.ecc=/ { h; d }' \
            -e '/^[0-9]+\.ecc_pending=/ { p; s/_pending// }' $FACTS
        mkdir -p $STATE
        {
            echo "driver=$(module_says version "$2")"
            echo "cuda=$(module_says cuda "$2")"
            cat $FACTS
        } > $STATE/state.new
        mv $STATE/state.new $STATE/state
        ;;
    busy)
        grep -Eqs '^[0-9]+\.(graphics_|mps_)?processes=.' $STATE/state ||
            systemctl is-active -q nvidia-persistenced nvidia-fabricmanager
        ;;
    unload)
        unbind nvidia
        unload nvidia
        rm -rf $STATE /dev/nvidia*
        ;;
esac
