/* What state a device is in, and who uses it. */

#include "nvml.h"

#define MIB (1024ULL * 1024ULL)

API nvmlDeviceGetTotalEccErrors(Device device, uint kind, uint counter, ull *count)
{
    static const char *names[2][2] = {
        {"ecc_corrected", "ecc_corrected_lifetime"},
        {"ecc_uncorrected", "ecc_uncorrected_lifetime"},
    };

    return kind > 1 || counter > 1 ? INVALID_ARGUMENT : number(device, names[kind][counter], count);
}

API nvmlDeviceGetRemappedRows(Device device, uint *one, uint *two, uint *pending, uint *failed)
{
    int found = number32(device, "rows_correctable", one);

    if (found == SUCCESS)
        found = number32(device, "rows_uncorrectable", two);
    if (found == SUCCESS)
        found = number32(device, "rows_pending", pending);
    return found == SUCCESS ? number32(device, "rows_failure", failed) : found;
}

API nvmlDeviceGetRetiredPages(Device device, uint cause, uint *count, ull *addresses)
{
    uint room = *count, i;
    int found = number32(device, cause ? "retired_double_bit" : "retired_single_bit", count);

    if (found != SUCCESS)
        return found;
    if (*count > room)
        return INSUFFICIENT_SIZE;
    for (i = 0; addresses && i < *count; i++)
        addresses[i] = 0x1000ULL * (i + 1);
    return SUCCESS;
}

API nvmlDeviceGetRetiredPages_v2(Device device, uint cause, uint *count, ull *addresses, ull *times)
{
    uint i;
    int found = nvmlDeviceGetRetiredPages(device, cause, count, addresses);

    for (i = 0; found == SUCCESS && times && i < *count; i++)
        times[i] = 0;
    return found;
}

struct field { uint id, scope; long long time, latency; uint kind; int code; ull value; };

API nvmlDeviceGetFieldValues(Device device, int count, struct field *fields)
{
    enum { RECOVERY_ACTION = 230, UNSIGNED = 1 };
    char value[LINE];
    int i, found = about(device, "uuid", value);

    for (i = 0; found == SUCCESS && i < count; i++) {
        fields[i].kind = UNSIGNED;
        fields[i].value = 0;
        fields[i].code = fields[i].id == RECOVERY_ACTION
            ? number(device, "recovery", &fields[i].value) : NOT_SUPPORTED;
    }
    return found;
}

/* Cut the part of a list of "a,b,c" out, and return whether there is one. */
static int part(char *list, uint index, char **found)
{
    char *rest = NULL, *token = strtok_r(list, ",", &rest);

    while (token && index--)
        token = strtok_r(NULL, ",", &rest);
    *found = token;
    return token != NULL;
}

API nvmlDeviceGetNvLinkState(Device device, uint link, uint *active)
{
    char links[LINE], *state;
    int found = about(device, "nvlinks", links);

    if (found != SUCCESS)
        return found;
    if (!part(links, link, &state))
        return INVALID_ARGUMENT;
    *active = (uint)atoi(state);
    return SUCCESS;
}

struct fabric {
    uint version;
    unsigned char cluster[16];
    int status;
    uint clique;
    unsigned char state;
    uint health;
};

API nvmlDeviceGetGpuFabricInfoV(Device device, struct fabric *answer)
{
    uint state, status = 0;
    int found = number32(device, "fabric", &state);

    if (found != SUCCESS)
        return found;
    answer->health = 0;
    number32(device, "fabric_status", &status);
    number32(device, "fabric_health", &answer->health);
    answer->state = (unsigned char)state;
    answer->status = (int)status;
    return SUCCESS;
}

API nvmlDeviceIsMigDeviceHandle(Device device, uint *answer)
{
    *answer = mig_of(device) != 0;
    return users ? SUCCESS : UNINITIALIZED;
}

API nvmlDeviceGetMigDeviceHandleByIndex(Device device, uint index, Device *mig)
{
    char value[LINE];
    uint most;
    int found = number32(device, "mig_max", &most);

    if (found != SUCCESS)
        return found;
    if (index >= most)
        return INVALID_ARGUMENT;
    *mig = handle(gpu_of(device), index + 1);
    return about(*mig, "uuid", value) == SUCCESS ? SUCCESS : NOT_FOUND;
}

API nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device mig, Device *device)
{
    *device = handle(gpu_of(mig), 0);
    return mig_of(mig) ? SUCCESS : INVALID_ARGUMENT;
}

struct process { uint pid; ull used; uint gpu_instance, compute_instance; };

/* "12:1024,13:-" is two processes, the memory of the second unknown. */
static int processes(Device device, const char *name, uint *count, struct process *answer)
{
    char list[LINE], copy[LINE], *entry;
    uint room = *count, there = 0;
    int found = about(device, name, list);

    if (found != SUCCESS && found != NOT_SUPPORTED)
        return found;
    while (found == SUCCESS && part(strcpy(copy, list), there, &entry)) {
        char *used = strchr(entry, ':');

        if (answer && there < room) {
            answer[there].pid = (uint)atoi(entry);
            answer[there].used = used && used[1] != '-' ? strtoull(used + 1, NULL, 10) * MIB : ~0ULL;
            answer[there].gpu_instance = answer[there].compute_instance = ~0U;
        }
        there++;
    }
    *count = there;
    return there > room ? INSUFFICIENT_SIZE : SUCCESS;
}

#define PROCESSES(function, name)                                                              \
    API function(Device device, uint *count, struct process *answer)                           \
    {                                                                                          \
        return processes(device, name, count, answer);                                         \
    }

PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, "processes")
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, "processes")
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, "graphics_processes")
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, "graphics_processes")
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, "mps_processes")
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, "mps_processes")
