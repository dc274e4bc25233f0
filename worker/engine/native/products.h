/* Products of a step's tokens and a layer's weights.

   Both lie as the products read them, in words of 32 bits. Tokens in bands of LANES: [bands,
   depth / WORD, LANES, WORD], so that a band's numbers are read one after the other. Weights
   in panels of LANES outputs: [panels, depth / WORD, LANES, WORD], which stream from memory in
   their order. Each token is computed by the same operations in the same order, whatever
   else is in the step. */

#pragma once

#include "team.h"
#include "vectors.h"

#ifdef INT8
#include <immintrin.h>
typedef int8_t number;
typedef uint32_t word;
#else
typedef element number;
typedef pair word;
#endif

enum { WORD = sizeof(word) / sizeof(number) };

/* Bytes of tokens that stay in the second-level cache while the weights pass. */
enum { CACHED = 1 << 19 };

/* Bytes of weights on their way from memory while others are multiplied. */
enum { AHEAD = 1 << 11 };

/* Panels that a thread takes at a time: few, so that a disturbed thread leaves more to others. */
enum { PANELS_AT_ONCE = 4 };

/* A weight [outputs, depth] in panels, and its bias [outputs]. Of int8, `scales` [outputs] and
   `starts` [outputs], which take back what makes tokens positive. */
typedef struct {
  const number *panels;
  const float *bias, *scales;
  const int32_t *starts;
  int64_t outputs, depth;
} Weight;

/* Tokens [tokens, depth] in bands. Of int8, moved by 128 and with the scale of each token. */
typedef struct {
  number *numbers;
  float *scales;
} Bands;

/* What is done with the products of a panel and the tokens of a band: `sums[j]` holds LANES
   outputs of token `first + j`. */
typedef void Finish(const void *target, int64_t panel, int64_t first, int num_tokens,
                    const floats *sums);

/* Writes numbers `i` to `i + LANES` of a token, multiplied with `factor`. */
INLINE void put_some(const Bands *bands, int64_t depth, int64_t token, int64_t i, floats x,
                     float factor) {
#ifdef INT8
  typedef uint8_t Bytes __attribute__((vector_size(LANES)));
  /* The float's last bits hold the number to the nearest integer. */
  const Bytes narrowed = __builtin_convertvector((words)(x * factor + 12582912.0f) + 128, Bytes);
#else
  const Some narrowed = narrow_all(x * factor);
#endif
  word words_of_some[LANES / WORD];
  memcpy(words_of_some, &narrowed, sizeof words_of_some);
  word *to = (word *)bands->numbers + (token / LANES * (depth / WORD) + i / WORD) * LANES +
             token % LANES;
  for (int j = 0; j < LANES / WORD; j++) to[j * LANES] = words_of_some[j];
}

/* Writes a token's numbers, which are finite or become NaN altogether. */
INLINE void put_row(const Bands *bands, int64_t depth, int64_t token, const float *row) {
  float factor = 1;
#ifdef INT8
  floats top = spread(1e-30f), nothing = spread(0);
  for (int64_t i = 0; i < depth; i += LANES) {
    const floats x = load_floats(row + i);
    top = larger(choose(x < 0.0f, -x, x), top);
    nothing += x * 0.0f;
  }
  bands->scales[token] = largest_of(top) / 127 + sum_of(nothing);
  factor = 127 / largest_of(top);
#endif
  for (int64_t i = 0; i < depth; i += LANES)
    put_some(bands, depth, token, i, load_floats(row + i), factor);
}

/* Sums of a panel and `num_rows` tokens that follow each other in a band. */
INLINE void multiply_rows(floats *sums, const Weight *weight, int64_t panel, const number *band,
                          const int num_rows) {
  const number *weights = weight->panels + panel * weight->depth * LANES;
  const word *tokens = (const word *)band;
#ifdef INT8
  ints some[LANES], start;
  memcpy(&start, weight->starts + panel * LANES, sizeof start);
  for (int j = 0; j < num_rows; j++) some[j] = start;
#else
  floats some[LANES] = {};
#endif
  for (int64_t i = 0; i < weight->depth / WORD; i++, weights += LANES * WORD, tokens += LANES) {
    __builtin_prefetch((const char *)weights + AHEAD);
    for (int j = 0; j < num_rows; j++) {
#ifdef INT8
      some[j] = (ints)_mm512_dpbusd_epi32((__m512i)some[j], _mm512_set1_epi32((int)tokens[j]),
                                          _mm512_loadu_si512(weights));
#else
      some[j] = add_products(some[j], tokens[j], weights);
#endif
    }
  }
  for (int j = 0; j < num_rows; j++) sums[j] = __builtin_convertvector(some[j], floats);
}

/* A constant number of tokens each time, so that the compiler keeps their sums in registers,
   of which a processor has twice as many as LANES. */
INLINE void multiply_band(floats *sums, const Weight *weight, int64_t panel, const number *band,
                          int num_tokens) {
  if (num_tokens <= 4)
    multiply_rows(sums, weight, panel, band, 4);
  else if (num_tokens <= 8 || LANES == 8)
    multiply_rows(sums, weight, panel, band, 8);
  else if (num_tokens <= 12)
    multiply_rows(sums, weight, panel, band, 12);
  else
    multiply_rows(sums, weight, panel, band, LANES);
}

/* Scales of int8, and the bias. */
INLINE void adjust(floats *sums, const Weight *weight, int64_t panel, const float *scales,
                   int num_tokens) {
  const floats bias = load_floats(weight->bias + panel * LANES);
#ifdef INT8
  const floats of_weight = load_floats(weight->scales + panel * LANES);
  for (int j = 0; j < num_tokens; j++) sums[j] = sums[j] * of_weight * scales[j] + bias;
#else
  (void)scales;
  for (int j = 0; j < num_tokens; j++) sums[j] += bias;
#endif
}

/* Products of all tokens and all panels, of which `together` ones go to `finish` at a time. */
INLINE void multiply_all(Member *me, const Weight *weight, const Bands *bands, int64_t num_tokens,
                         const int together, Finish finish, const void *target) {
  const int64_t depth = weight->depth, num_panels = weight->outputs / LANES / together;
  const int64_t step = clamp(CACHED / (depth * LANES * (int64_t)sizeof(number)), 1 << 20) * LANES;
  const int64_t at_once = step > LANES ? step : LANES;
  const int64_t num_passes = (num_tokens + at_once - 1) / at_once;
  for (Chunk some = {0}; next_chunk(me, &some, num_passes * num_panels, PANELS_AT_ONCE);)
    for (int64_t i = some.begin; i < some.end; i++) {
      const int64_t panel = i % num_panels * together, from = i / num_panels * at_once;
      const int64_t to = from + clamp(num_tokens - from, at_once);
      for (int64_t token = from; token < to; token += LANES) {
        const int num_here = (int)clamp(to - token, LANES);
        floats sums[2 * LANES];
        for (int j = 0; j < together; j++) {
          multiply_band(sums + j * LANES, weight, panel + j, bands->numbers + token * depth,
                        num_here);
          adjust(sums + j * LANES, weight, panel + j, bands->scales + token, num_here);
        }
        finish(target, panel, token, num_here, sums);
      }
    }
}
