# What udev does about NVIDIA's cards: it asks for each module that is for them.
. /usr/lib/standin/hardware.sh

# Cards may be plugged anew without a reboot.
rm -rf /run/standin-nvidia /dev/nvidia*
[ -n "$(slots 0x10de 0x03)" ] || exit 0
modprobe -q -b nouveau || true
modprobe -q -b nvidia || true
