#define LANES 4
#define TARGET portable
#include "fused_target.h"
