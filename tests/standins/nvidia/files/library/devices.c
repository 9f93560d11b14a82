/* Which devices there are, and what each of them is. */

#include "nvml.h"

#define MIB (1024ULL * 1024ULL)

API nvmlDeviceGetCount_v2(uint *count)
{
    char value[LINE];
    int found = users ? fact("count", value) : UNINITIALIZED;

    if (found == SUCCESS)
        *count = (uint)atoi(value);
    return found;
}

API nvmlDeviceGetHandleByIndex_v2(uint index, Device *device)
{
    char value[LINE];
    uint count;
    int found = nvmlDeviceGetCount_v2(&count);

    if (found != SUCCESS)
        return found;
    if (index >= count)
        return INVALID_ARGUMENT;
    found = about(handle(index, 0), "uuid", value);
    if (found == SUCCESS)
        *device = handle(index, 0);
    return found;
}

static int by(const char *name, const char *wanted, Device *device)
{
    char value[LINE];
    uint count, gpu;
    int found = nvmlDeviceGetCount_v2(&count);

    for (gpu = 0; found == SUCCESS && gpu < count; gpu++)
        if (about(handle(gpu, 0), name, value) == SUCCESS && !strcasecmp(value, wanted)) {
            *device = handle(gpu, 0);
            return SUCCESS;
        }
    return found == SUCCESS ? NOT_FOUND : found;
}

API nvmlDeviceGetHandleByUUID(const char *uuid, Device *device) { return by("uuid", uuid, device); }

API nvmlDeviceGetHandleByPciBusId_v2(const char *slot, Device *device)
{
    /* 0000:01:00.0 and 00000000:01:00.0 are the same. */
    return by("slot", strlen(slot) > 12 ? slot + strlen(slot) - 12 : slot, device);
}

API nvmlDeviceGetIndex(Device device, uint *index)
{
    char value[LINE];
    int found = about(device, "uuid", value);

    if (found == SUCCESS)
        *index = mig_of(device) ? mig_of(device) - 1 : gpu_of(device);
    return found;
}

#define TEXT(function, name)                                                                   \
    API function(Device device, char *buffer, uint size)                                       \
    {                                                                                          \
        char value[LINE];                                                                      \
        return copied(about(device, name, value), value, buffer, size);                        \
    }
#define NUMBER(function, name)                                                                 \
    API function(Device device, uint *value) { return number32(device, name, value); }
#define WIDE(function, name)                                                                   \
    API function(Device device, ull *value) { return number(device, name, value); }
#define PAIR(function, first, second)                                                          \
    API function(Device device, uint *one, uint *two)                                          \
    {                                                                                          \
        int found = number32(device, first, one);                                              \
        return found == SUCCESS ? number32(device, second, two) : found;                       \
    }

TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetSerial, "serial")
TEXT(nvmlDeviceGetVbiosVersion, "vbios")
NUMBER(nvmlDeviceGetMinorNumber, "minor")
NUMBER(nvmlDeviceGetNumaNodeId, "numa")
NUMBER(nvmlDeviceGetArchitecture, "architecture")
NUMBER(nvmlDeviceGetPersistenceMode, "persistence")
NUMBER(nvmlDeviceGetComputeMode, "compute_mode")
NUMBER(nvmlDeviceGetPowerUsage, "power_mw")
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, "retired_pending")
NUMBER(nvmlDeviceGetMaxMigDeviceCount, "mig_max")
WIDE(nvmlDeviceGetCurrentClocksEventReasons, "throttle")
WIDE(nvmlDeviceGetCurrentClocksThrottleReasons, "throttle")
PAIR(nvmlDeviceGetCudaComputeCapability, "major", "minor_capability")
PAIR(nvmlDeviceGetEccMode, "ecc", "ecc_pending")
PAIR(nvmlDeviceGetMigMode, "mig", "mig_pending")

struct temperature { uint version, sensor; int value; };

API nvmlDeviceGetTemperature(Device device, uint sensor, uint *value)
{
    return sensor ? INVALID_ARGUMENT : number32(device, "temperature", value);
}

API nvmlDeviceGetTemperatureV(Device device, struct temperature *asked)
{
    return nvmlDeviceGetTemperature(device, asked->sensor, (uint *)&asked->value);
}

struct pci {
    char legacy[16];
    uint domain, bus, device, id, subsystem;
    char slot[32];
};

API nvmlDeviceGetPciInfo_v3(Device device, struct pci *pci)
{
    char slot[LINE];
    int found = about(device, "slot", slot);

    memset(pci, 0, sizeof *pci);
    if (found != SUCCESS)
        return found;
    if (sscanf(slot, "%x:%x:%x", &pci->domain, &pci->bus, &pci->device) != 3)
        return UNKNOWN;
    snprintf(pci->legacy, sizeof pci->legacy, "%04X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
    snprintf(pci->slot, sizeof pci->slot, "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
    number32(device, "pci", &pci->id);
    number32(device, "pci_subsystem", &pci->subsystem);
    return SUCCESS;
}

struct memory { ull total, free, used; };
struct memory_v2 { uint version; ull total, reserved, free, used; };

static int memory(Device device, struct memory_v2 *memory)
{
    int found = number(device, "total_mib", &memory->total);

    memory->reserved = memory->used = 0;
    number(device, "reserved_mib", &memory->reserved);
    number(device, "used_mib", &memory->used);
    memory->free = (memory->total - memory->reserved - memory->used) * MIB;
    memory->total *= MIB, memory->reserved *= MIB, memory->used *= MIB;
    return found;
}

API nvmlDeviceGetMemoryInfo(Device device, struct memory *answer)
{
    struct memory_v2 found = {0};
    int code = memory(device, &found);

    answer->total = found.total;
    answer->free = found.free;
    answer->used = found.used + found.reserved;
    return code;
}

API nvmlDeviceGetMemoryInfo_v2(Device device, struct memory_v2 *answer)
{
    return memory(device, answer);
}
