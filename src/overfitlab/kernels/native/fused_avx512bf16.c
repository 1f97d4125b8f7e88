#include "fused.h"

#ifdef BFLOAT16_COMPILES
#include <immintrin.h>
#include <math.h>
#include <string.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")
#endif
#define BFLOAT16_INSTRUCTIONS
#define LANES 16
#define TARGET avx512bf16
#include "fused_target.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int nothing_for_other_processors;
#endif
