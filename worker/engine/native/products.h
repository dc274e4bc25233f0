/* Products of a step's tokens and a layer's weights.

   Both lie as the products read them. Tokens in bands of LANES: [bands, depth / PAIR, LANES,
   PAIR], so that a band's numbers are read one after the other. Weights in panels of LANES
   outputs: [panels, depth / PAIR, LANES, PAIR], which stream from memory in their order. */

#pragma once

#include "vectors.h"

#ifdef BFLOAT16
#include <immintrin.h>
enum { PAIR = 2 };
typedef uint32_t pair;
#else
enum { PAIR = 1 };
typedef float pair;
#endif

/* Tokens that are multiplied at once: as many sums as the processor has registers for. */
#ifdef __AVX512F__
enum { BAND_ROWS = LANES };
#else
enum { BAND_ROWS = 4 };
#endif

/* Bytes of tokens that stay in the second-level cache while the weights pass. */
enum { CACHED = 1 << 19 };

/* Weights on their way from memory while others are multiplied. */
enum { AHEAD = 1024 / sizeof(element) };

/* Panels that a thread takes at a time: few, so that a disturbed thread leaves more to others. */
enum { PANELS_AT_ONCE = 4 };

/* A weight [outputs, depth] in panels, and its bias [outputs] or NULL. */
typedef struct {
  const element *panels;
  const float *bias;
  int64_t outputs, depth;
} Weight;

/* What is done with the products of a panel and the tokens of a band: `sums[j]` holds LANES
   outputs of token `first + j`. */
typedef void Finish(const void *target, int64_t panel, int64_t first, int num_tokens,
                    const floats *sums);

/* Writes numbers `i` to `i + LANES` of a token into its band. */
INLINE void put_in_band(element *bands, int64_t depth, int64_t token, int64_t i, floats x) {
  const Some narrowed = narrow_all(x);
  pair pairs[LANES / PAIR];
  memcpy(pairs, &narrowed, sizeof pairs);
  pair *to = (pair *)bands + (token / LANES * (depth / PAIR) + i / PAIR) * LANES + token % LANES;
  for (int j = 0; j < LANES / PAIR; j++) to[j * LANES] = pairs[j];
}

INLINE void multiply_rows(floats *sums, const element *panel, const element *band, int64_t depth,
                          const int num_rows) {
  floats some[LANES] = {};
  for (int64_t i = 0; i < depth; i += PAIR) {
    __builtin_prefetch(panel + i * LANES + AHEAD);
#ifdef BFLOAT16
    const __m512bh weights = (__m512bh)_mm512_loadu_si512(panel + i * LANES);
    for (int j = 0; j < num_rows; j++) {
      const __m512bh token = (__m512bh)_mm512_set1_epi32((int)((const pair *)band)[i / PAIR * LANES + j]);
      some[j] = (floats)_mm512_dpbf16_ps((__m512)some[j], token, weights);
    }
#else
    const floats weights = load_floats(panel + i * LANES);
    for (int j = 0; j < num_rows; j++) some[j] += band[i * LANES + j] * weights;
#endif
  }
  memcpy(sums, some, num_rows * sizeof *some);
}

/* A constant number of rows each time, so that the compiler keeps their sums in registers. */
INLINE void multiply_band(floats *sums, const element *panel, const element *band, int64_t depth,
                          int num_tokens) {
  for (int row = 0; row < num_tokens; row += BAND_ROWS) {
    const int left = num_tokens - row;
    const element *rows = band + row * PAIR;
    if (left <= 4 || BAND_ROWS == 4)
      multiply_rows(sums + row, panel, rows, depth, 4);
    else if (left <= 8)
      multiply_rows(sums + row, panel, rows, depth, 8);
    else if (left <= 12)
      multiply_rows(sums + row, panel, rows, depth, 12);
    else
      multiply_rows(sums + row, panel, rows, depth, 16);
  }
}

INLINE void add_bias(floats *sums, const Weight *weight, int64_t panel) {
  if (!weight->bias) return;
  const floats bias = load_floats(weight->bias + panel * LANES);
  for (int j = 0; j < LANES; j++) sums[j] += bias;
}

/* Products of all tokens and all panels, of which `together` ones go to `finish` at a time.
   Called by all threads of a team, which then wait for each other. */
INLINE void multiply_all(const Weight *weight, const element *bands, int64_t num_tokens,
                         const int together, Finish finish, const void *target) {
  const int64_t depth = weight->depth, num_panels = weight->outputs / LANES;
  const int64_t num_bands = (num_tokens + LANES - 1) / LANES;
  int64_t at_once = CACHED / (depth * LANES * (int64_t)sizeof(element));
  at_once = at_once > 1 ? at_once : 1;
  for (int64_t first = 0; first < num_bands; first += at_once) {
    const int64_t last = first + at_once < num_bands ? first + at_once : num_bands;
#pragma omp for schedule(dynamic, PANELS_AT_ONCE) nowait
    for (int64_t panel = 0; panel < num_panels; panel += together)
      for (int64_t band = first; band < last; band++) {
        const int num_here = (int)clamp(num_tokens - band * LANES, LANES);
        floats sums[2 * LANES];
        for (int i = 0; i < together; i++) {
          multiply_band(sums + i * LANES, weight->panels + (panel + i) * depth * LANES,
                        bands + band * depth * LANES, depth, num_here);
          add_bias(sums + i * LANES, weight, panel + i);
        }
        finish(target, panel, band * LANES, num_here, sums);
      }
  }
#pragma omp barrier
}
