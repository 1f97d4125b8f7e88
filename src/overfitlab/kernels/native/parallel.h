/* Work shared among the threads of the pool that the caller has already: PyTorch's own, so that there is only one. */

#ifndef PARALLEL_H
#define PARALLEL_H

/* Only what Python calls can be seen from outside the library. */
#define EXPORT __attribute__((visibility("default")))

/* Does the work of `begin` to `end` - 1; `thread` counts from 0. */
typedef void (*body)(void *task, long begin, long end, int thread);

/* Splits `count` pieces of work into `threads` runs of neighbours, and returns when all are done. Which thread does a
   piece must not change its result. Without a pool it is all done by this thread. */
void parallel(int threads, long count, body work, void *task);

#endif
