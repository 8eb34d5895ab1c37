/* What Linux offers and the toolchain's Glibc module leaves out. */
#include <sys/eventfd.h>

static inline int tandem_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

extern int pthread_setname_np(unsigned long thread, const char *name);
