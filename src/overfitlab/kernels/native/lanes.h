/* Vectors of LANES floats for the file that includes this, which defines LANES and TARGET first.

   Everything is written as loops over LANES values, which GCC and Clang turn into single instructions of the target.
   bfloat16 is the upper half of a float32, and is computed with as float32. */

#ifndef LANES_H
#define LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(function) PASTE(function, TARGET) /* the function of this target: stats_avx512, stats_avx2, ... */

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef uint32_t uvec __attribute__((vector_size(4 * LANES)));
typedef uint16_t hvec __attribute__((vector_size(2 * LANES)));

INLINE vec splat(float value) { return value - (vec){0}; }

INLINE vec load_float(const float *from) {
  vec value;
  memcpy(&value, from, sizeof value);
  return value;
}

INLINE void store_float(float *to, vec value) { memcpy(to, &value, sizeof value); }

/* The first `count` of the lanes, the others zero: for channels off the vector width. */
INLINE vec load_some(const float *from, int count) {
  vec value = {0};
  memcpy(&value, from, sizeof(float) * (size_t)count);
  return value;
}

INLINE void store_some(float *to, vec value, int count) { memcpy(to, &value, sizeof(float) * (size_t)count); }

INLINE vec larger(vec a, vec b) {
  vec result;
  for (int i = 0; i < LANES; i++) result[i] = a[i] > b[i] ? a[i] : b[i];
  return result;
}

INLINE vec sqrt_of(vec a) {
  for (int i = 0; i < LANES; i++) a[i] = sqrtf(a[i]);
  return a;
}

/* a where `mask` has all bits set, b where it has none. */
INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }

#endif
