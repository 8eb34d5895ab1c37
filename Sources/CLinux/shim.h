/* What Linux offers and the toolchain's Glibc module leaves out. */
#include <sys/eventfd.h>

static inline int tandem_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

extern int pthread_setname_np(unsigned long thread, const char *name);

#include <poll.h>
#include <signal.h>
#include <time.h>

extern int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const __sigset_t *mask);
