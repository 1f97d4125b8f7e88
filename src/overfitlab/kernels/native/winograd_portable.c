#define LANES 4
#define TARGET portable
#include "winograd.h"
