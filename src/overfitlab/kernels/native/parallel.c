#include "parallel.h"

#include <stddef.h>

/* The entry points of GNU OpenMP's run-time library, which LLVM's and Intel's have too. */
typedef void (*fork_function)(void (*)(void *), void *, unsigned, unsigned);
typedef int (*number_function)(void);

static fork_function fork_team;
static number_function thread_number, team_size;

EXPORT void overfitlab_use_pool(void *fork, void *number, void *size) {
  fork_team = (fork_function)fork;
  thread_number = (number_function)number;
  team_size = (number_function)size;
}

typedef struct {
  body work;
  void *task;
  long count;
} job;

static void share(void *argument) {
  const job *all = argument;
  const int thread = thread_number(), team = team_size();
  const long begin = all->count * thread / team, end = all->count * (thread + 1) / team;
  if (begin < end) all->work(all->task, begin, end, thread);
}

void parallel(int threads, long count, body work, void *task) {
  job all = {work, task, count};
  if (threads > count) threads = (int)count;
  if (threads > 1 && fork_team != NULL)
    fork_team(share, &all, (unsigned)threads, 0);
  else if (count > 0)
    work(task, 0, count, 0);
}
