/* Elements of a tensor as vectors of float32; included with BFLOAT16 0 or 1, and in both cases once for each target. */

#undef ELEMENT
#undef EACH
#undef load
#undef store

#if BFLOAT16
#define ELEMENT uint16_t
#define EACH(function) PASTE(PASTE(function, bfloat16), TARGET)
#define load load_bfloat16
#define store store_bfloat16
#else
#define ELEMENT float
#define EACH(function) PASTE(PASTE(function, float32), TARGET)
#define load load_float32
#define store store_float32
#endif

#ifndef ELEMENTS_H
#define ELEMENTS_H

/* `count` is the constant LANES nearly everywhere, and then each of these is a single load or store. */
INLINE vec load_float32(const float *from, int count) {
  return count == LANES ? load_float(from) : load_some(from, count);
}

INLINE void store_float32(float *to, vec value, int count) {
  if (count == LANES)
    store_float(to, value);
  else
    store_some(to, value, count);
}

INLINE ivec load_halves(const uint16_t *from, int count) {
  if (count == LANES) return from_halves(from);
  uint16_t some[LANES] = {0};
  memcpy(some, from, sizeof(uint16_t) * (size_t)count);
  return from_halves(some);
}

INLINE vec load_bfloat16(const uint16_t *from, int count) { return (vec)((uvec)load_halves(from, count) << 16); }

/* Rounds to nearest, ties to even, as PyTorch does; what is not a number stays so. */
INLINE hvec rounded(vec value) {
#ifdef BFLOAT16_INSTRUCTIONS
  return (hvec)_mm512_cvtneps_pbh((__m512)value);
#else
  const uvec bits = (uvec)value;
  const uvec nearest = bits + 0x7fff + ((bits >> 16) & 1);
  const uvec quiet = bits | 0x400000;
  const uvec finite = (uvec)(value == value);
  return to_halves((ivec)(((nearest & finite) | (quiet & ~finite)) >> 16));
#endif
}

INLINE void store_bfloat16(uint16_t *to, vec value, int count) {
  const hvec half = rounded(value);
  memcpy(to, &half, count == LANES ? sizeof half : sizeof(uint16_t) * (size_t)count);
}

INLINE void store_bytes(uint8_t *to, ivec value, int count) {
  const bvec bytes = to_bytes(value);
  memcpy(to, &bytes, count == LANES ? sizeof bytes : (size_t)count);
}

INLINE ivec load_bytes(const uint8_t *from, int count) {
  if (count == LANES) return from_bytes(from);
  uint8_t some[LANES] = {0};
  memcpy(some, from, (size_t)count);
  return from_bytes(some);
}

#endif
