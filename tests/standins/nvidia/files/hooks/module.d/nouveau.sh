# The kernel's own driver of NVIDIA's cards; the console uses it, so that it stays.
. /usr/lib/standin/hardware.sh

case "$1" in
    load)
        for slot in $(slots 0x10de 0x03); do
            bind nouveau "$slot"
        done
        bound nouveau && load nouveau
        ;;
    busy) true ;;
    unload) false ;;
esac
