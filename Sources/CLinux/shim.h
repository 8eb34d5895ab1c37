/* What Linux offers and the toolchain's Glibc module leaves out. */
#include <sys/eventfd.h>

static inline int tandem_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

extern int pthread_setname_np(unsigned long thread, const char *name);

#include <poll.h>
#include <signal.h>
#include <time.h>

extern int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const __sigset_t *mask);

extern int memfd_create(const char *name, unsigned int flags);

/* A connection that waits for nobody and is inherited by nobody. */
#include <fcntl.h>
extern int accept4(int socket, void *address, unsigned int *length, int flags);
static inline int tandem_accept(int socket) { return accept4(socket, 0, 0, O_NONBLOCK | O_CLOEXEC); }
