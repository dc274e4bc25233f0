/* What the engine computes itself on a CPU, in one shared library for each kind of numbers:
   fp32, or bf16 with -DBFLOAT16; with -DINT8 the layers' weights are int8. */

#include "attention.h"
#include "drawing.h"

#if (defined(INT8) && !defined(__AVX512VNNI__)) || (defined(BFLOAT16) && !defined(__AVX512BF16__))
/* This processor does not multiply them itself, so that layers are left to torch. */
#else
#include "layer.h"
#endif
