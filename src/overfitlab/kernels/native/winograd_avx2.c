#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define LANES 8
#define TARGET avx2
#include "winograd.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int nothing_for_other_processors;
#endif
