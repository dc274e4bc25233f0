/* What the engine computes itself on a CPU, in one shared library for each kind of numbers:
   fp32, or bf16 with -DBFLOAT16. */

#include "attention.h"

#if !defined(BFLOAT16) || defined(__AVX512BF16__)
#include "layer.h"
#endif
