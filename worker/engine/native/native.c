/* What the engine computes itself on a CPU, in one shared library for each kind of numbers:
   fp32, or bf16 with -DBFLOAT16; with -DINT8 the layers' weights are int8. -DLANES=16 is for
   processors with AVX-512, -DLANES=8 for others. */

#include "attention.h"
#include "drawing.h"

#if (defined(INT8) && (!defined(__AVX512VNNI__) || LANES != 16)) || \
    (defined(BFLOAT16) && !defined(HAS_BFLOAT16))
/* This processor does not multiply them itself, so that layers are left to torch. */
#else
#include "layer.h"
#endif
