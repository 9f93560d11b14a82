/* Facts, as the kernel's part of the driver has them: lines of key=value. */

#include "nvml.h"

int users;

int fact(const char *key, char *value)
{
    const char *path = getenv("STANDIN_NVIDIA_STATE");
    FILE *file = fopen(path ? path : "/run/standin-nvidia/state", "r");
    size_t length = strlen(key);
    char line[LINE];
    int found = file ? NOT_SUPPORTED : DRIVER_NOT_LOADED;

    while (file && found == NOT_SUPPORTED && fgets(line, sizeof line, file))
        if (!strncmp(line, key, length) && line[length] == '=') {
            line[strcspn(line, "\n")] = 0;
            strcpy(value, line + length + 1);
            found = value[0] == '!' ? atoi(value + 1) : SUCCESS;
        }
    if (file)
        fclose(file);
    return found;
}

uint gpu_of(Device device) { return ((uint)(size_t)device - 1) / MIG; }
uint mig_of(Device device) { return ((uint)(size_t)device - 1) % MIG; }
Device handle(uint gpu, uint mig) { return (Device)(size_t)(1 + gpu * MIG + mig); }

int about(Device device, const char *name, char *value)
{
    char key[LINE];
    int trouble;

    if (!users)
        return UNINITIALIZED;
    if (!device)
        return INVALID_ARGUMENT;
    snprintf(key, sizeof key, "%u.error", gpu_of(device));
    trouble = fact(key, value);
    if (trouble == SUCCESS)
        return atoi(value);
    if (trouble == DRIVER_NOT_LOADED)
        return UNKNOWN;   /* it went away while it was in use */
    if (mig_of(device))
        snprintf(key, sizeof key, "%u.mig%u_%s", gpu_of(device), mig_of(device) - 1, name);
    else
        snprintf(key, sizeof key, "%u.%s", gpu_of(device), name);
    return fact(key, value);
}

int number(Device device, const char *name, ull *value)
{
    char text[LINE];
    int found = about(device, name, text);

    if (found == SUCCESS)
        *value = strtoull(text, NULL, 0);
    return found;
}

int number32(Device device, const char *name, uint *value)
{
    ull wide;
    int found = number(device, name, &wide);

    if (found == SUCCESS)
        *value = (uint)wide;
    return found;
}

int copied(int found, const char *value, char *buffer, uint size)
{
    if (found != SUCCESS)
        return found;
    if (strlen(value) >= size)
        return INSUFFICIENT_SIZE;
    strcpy(buffer, value);
    return SUCCESS;
}
