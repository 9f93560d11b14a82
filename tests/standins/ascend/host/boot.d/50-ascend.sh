# The vendor's service at boot: it loads the modules that were built for this kernel, if any were.
. /usr/lib/standin/hardware.sh
for name in drv_seclib_host drv_devmm_host drv_pcie_host; do
    modprobe -q "$name" || true
done
