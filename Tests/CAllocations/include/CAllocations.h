// How often the calling thread has asked for memory. In the test binary alone: it stands in for malloc there.
#ifndef TANDEM_C_ALLOCATIONS_H
#define TANDEM_C_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

/// False under a sanitizer, which stands in for malloc itself.
bool allocations_are_counted(void);
uint64_t allocations_of_this_thread(void);

#endif
