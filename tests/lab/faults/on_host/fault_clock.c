/*
 * Preloaded on a lab host into every process: the clock of the wall is off by as many seconds as
 * /etc/fault-clock says. No other clock is, and the kernel's own, which dates files, is not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long off_s(void)
{
	char text[32];
	int before = errno, file = syscall(SYS_openat, AT_FDCWD, "/etc/fault-clock", O_RDONLY | O_CLOEXEC);
	long count = file < 0 ? 0 : syscall(SYS_read, file, text, sizeof text - 1);

	if (file >= 0)
		syscall(SYS_close, file);
	errno = before;
	text[count > 0 ? count : 0] = 0;
	return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = syscall(SYS_clock_gettime, clock, now);

	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += off_s();
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int failed = syscall(SYS_gettimeofday, now, zone);

	if (!failed)
		now->tv_sec += off_s();
	return failed;
}

time_t time(time_t *into)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (into)
		*into = now.tv_sec;
	return now.tv_sec;
}
