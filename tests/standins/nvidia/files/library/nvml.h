/* Stand-in of NVIDIA's management library. gpus.py says where its answers come from. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int uint;
typedef unsigned long long ull;
typedef struct device *Device;

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4,
    NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, FUNCTION_NOT_FOUND = 13,
    GPU_IS_LOST = 15, RESET_REQUIRED = 16, LIB_RM_VERSION_MISMATCH = 18, UNKNOWN = 999,
};

#define API __attribute__((visibility("default"))) int
#define LINE 4096
#define MIG 16   /* a handle is 1 + GPU * MIG, and one more for each MIG device of it */

/* How many have initialised the library and not shut it down. */
extern int users;

/* Copy the value of a key and return SUCCESS; "!15" is that error, no such key NOT_SUPPORTED. */
int fact(const char *key, char *value);

/* The same for a device, unless the whole of it is in trouble. */
int about(Device device, const char *name, char *value);
int number(Device device, const char *name, ull *value);
int number32(Device device, const char *name, uint *value);

/* Hand out a value that was found. */
int copied(int found, const char *value, char *buffer, uint size);

uint gpu_of(Device device);
uint mig_of(Device device);
Device handle(uint gpu, uint mig);
