/* Numbers too small for their format's normal range (below 1.2e-38 in float32) are computed tens of times more slowly
   than others. Processors can take them for zero instead; each thread has its own switch. */

#include "parallel.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#define FLUSH 0x8040u /* results, and operands: Intel's manual, volume 1, 10.2.3 */
static unsigned control(void) { return _mm_getcsr(); }
static void set_control(unsigned value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
#define FLUSH (1ul << 24) /* FPCR.FZ */
static unsigned long control(void) {
  unsigned long value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
static void set_control(unsigned long value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }
#else
#define FLUSH 0u
static unsigned control(void) { return 0; }
static void set_control(unsigned value) { (void)value; }
#endif

static void set(void *task, long begin, long end, int thread) {
  const int on = *(const int *)task;
  (void)begin, (void)end, (void)thread;
  set_control(on ? control() | FLUSH : control() & ~FLUSH);
}

/* Switches it on or off in this thread and in the first `threads` of the pool, and returns how it was in this one. */
EXPORT int overfitlab_flush_denormals(int on, int threads) {
  const int before = FLUSH != 0 && (control() & FLUSH) == FLUSH;
  parallel(threads, threads, set, &on);
  return before;
}
