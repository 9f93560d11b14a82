/* The library itself and the driver, which must be of one version. */

#include "nvml.h"

/* The version of this library is in the name of its file. */
static int own_version(char *version)
{
    Dl_info info;
    char path[PATH_MAX];
    const char *suffix;

    if (!dladdr((void *)own_version, &info) || !realpath(info.dli_fname, path))
        return UNKNOWN;
    suffix = strstr(path, ".so.");
    strcpy(version, suffix ? suffix + 4 : "");
    return SUCCESS;
}

API nvmlInitWithFlags(uint flags)
{
    char own[PATH_MAX], loaded[LINE];
    int found = fact("driver", loaded);

    (void)flags;
    if (found == DRIVER_NOT_LOADED && !access("/usr/bin/nvidia-modprobe", X_OK)) {
        if (system("/usr/bin/nvidia-modprobe > /dev/null 2>&1"))
            return DRIVER_NOT_LOADED;
        found = fact("driver", loaded);
    }
    if (found == SUCCESS)
        found = own_version(own);
    if (found == SUCCESS && strcmp(own, loaded))
        found = LIB_RM_VERSION_MISMATCH;
    if (found == SUCCESS)
        users++;
    return found;
}

API nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

API nvmlShutdown(void)
{
    if (!users)
        return UNINITIALIZED;
    users--;
    return SUCCESS;
}

__attribute__((visibility("default"))) const char *nvmlErrorString(int code)
{
    static const struct { int code; const char *text; } texts[] = {
        {SUCCESS, "Success"}, {UNINITIALIZED, "Uninitialized"},
        {INVALID_ARGUMENT, "Invalid Argument"}, {NOT_SUPPORTED, "Not Supported"},
        {NO_PERMISSION, "Insufficient Permissions"}, {NOT_FOUND, "Not Found"},
        {INSUFFICIENT_SIZE, "Insufficient Size"}, {DRIVER_NOT_LOADED, "Driver Not Loaded"},
        {FUNCTION_NOT_FOUND, "Function Not Found"}, {GPU_IS_LOST, "GPU is lost"},
        {RESET_REQUIRED, "GPU requires reset"},
        {LIB_RM_VERSION_MISMATCH, "Driver/library version mismatch"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].code == code)
            return texts[i].text;
    return "Unknown Error";
}

API nvmlSystemGetDriverVersion(char *version, uint size)
{
    char value[LINE];

    return users ? copied(fact("driver", value), value, version, size) : UNINITIALIZED;
}

API nvmlSystemGetNVMLVersion(char *version, uint size)
{
    char own[PATH_MAX], branch[PATH_MAX + 3] = "13.";
    int found = own_version(own);

    return copied(found, strcat(branch, own), version, size);
}

API nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    char value[LINE];
    int found = fact("cuda", value);

    if (found == SUCCESS)
        *version = atoi(value);
    return found;
}

API nvmlSystemGetCudaDriverVersion(int *version)
{
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

API nvmlSystemGetProcessName(uint pid, char *name, uint size)
{
    char path[64], line[LINE] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/%u/cmdline", pid);
    file = fopen(path, "r");
    if (!file)
        return NOT_FOUND;
    if (!fgets(line, sizeof line, file))
        line[0] = 0;
    fclose(file);
    if (size)
        snprintf(name, size, "%s", line);
    return size ? SUCCESS : INSUFFICIENT_SIZE;
}
