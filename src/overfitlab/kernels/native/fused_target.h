/* The fused kernels of one target, for both kinds of elements; see fused.h for what each does. */

#include "fused.h"
#include "lanes.h"

#define BFLOAT16 0
#include "elements.h"
#include "fused_kernels.h"
#include "layer_kernels.h"
#undef BFLOAT16

#define BFLOAT16 1
#include "elements.h"
#include "fused_kernels.h"
#include "layer_kernels.h"
#undef BFLOAT16

#define SET(element)                                                                                                 \
  {                                                                                                                  \
    PASTE(PASTE(moments, element), TARGET), PASTE(PASTE(apply, element), TARGET), PASTE(PASTE(sums, element), TARGET), \
        PASTE(PASTE(differentiate, element), TARGET), PASTE(PASTE(layer_apply, element), TARGET),                     \
        PASTE(PASTE(layer_differentiate, element), TARGET)                                                            \
  }

const kernels PASTE(fused_kernels, TARGET)[2] = {SET(float32), SET(bfloat16)}; /* by `bfloat16` of a call */
