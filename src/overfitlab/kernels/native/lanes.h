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
typedef uint8_t bvec __attribute__((vector_size(LANES)));

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

/* Between 32-bit integers and narrower ones: the one thing that compilers do not yet turn into the instructions that
   there are for it. */
#if LANES == 16
#include <immintrin.h>
INLINE ivec from_bytes(const uint8_t *from) {
  return (ivec)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from));
}
INLINE ivec from_halves(const uint16_t *from) {
  return (ivec)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
}
INLINE bvec to_bytes(ivec value) { return (bvec)_mm512_cvtepi32_epi8((__m512i)value); }
INLINE hvec to_halves(ivec value) { return (hvec)_mm512_cvtepi32_epi16((__m512i)value); }
#elif LANES == 8
#include <immintrin.h>
INLINE ivec from_bytes(const uint8_t *from) {
  return (ivec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)from));
}
INLINE ivec from_halves(const uint16_t *from) {
  return (ivec)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
}
INLINE hvec to_halves(ivec value) {
  const __m256i low = _mm256_and_si256((__m256i)value, _mm256_set1_epi32(0xffff));
  return (hvec)_mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}
INLINE bvec to_bytes(ivec value) {
  const __m128i halves = (__m128i)to_halves(value);
  const __m128i bytes = _mm_packus_epi16(halves, halves);
  bvec result;
  memcpy(&result, &bytes, sizeof result);
  return result;
}
#else
INLINE ivec from_bytes(const uint8_t *from) {
  bvec bytes;
  memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, ivec);
}
INLINE ivec from_halves(const uint16_t *from) {
  hvec halves;
  memcpy(&halves, from, sizeof halves);
  return __builtin_convertvector(halves, ivec);
}
INLINE bvec to_bytes(ivec value) { return __builtin_convertvector(value, bvec); }
INLINE hvec to_halves(ivec value) { return __builtin_convertvector(value, hvec); }
#endif

#endif
