/* The next token of every row, as worker/engine/sampler.py draws it. */

#pragma once

#include <stdlib.h>

#include "team.h"
#include "vectors.h"

/* Tokens whose weights are added up in fp32 before they go on in double. */
enum { STRIDE = 256 };

/* Tokens that a nucleus is looked for among; where more are likely enough, it is not. */
enum { MOST_LIKELY = 2048 };

enum { NOT_DRAWN = -1 };

/* Of a row; temperature 0 takes the likeliest, top_p 1 and top_k 0 cut nothing. */
typedef struct {
  uint64_t seed, candidate, position;
  float temperature, top_p;
  int32_t top_k;
} Asked;

/* What rows get: tokens, NOT_DRAWN where that takes another way; the logarithms of the sums of
   e^logits, not finite where a logit is NaN or infinity; and those of the tokens' probabilities
   before anything shaped them. */
typedef struct {
  int64_t *tokens;
  float *norms, *logprobs;
} Drawn;

typedef struct {
  float weight;
  int32_t token;
} Likely;

/* NaN where a logit is NaN. */
static float top_of(const float *logits, int64_t size) {
  floats top = spread(-INFINITY), nothing = spread(0);
  int64_t i = 0;
  for (; i + LANES <= size; i += LANES) {
    const floats x = load_floats(logits + i);
    top = larger(x, top);
    nothing += choose(x == x, spread(0), x);
  }
  float most = largest_of(top) + sum_of(nothing);
  for (; i < size; i++) most = most != most || logits[i] <= most ? most : logits[i];
  return most;
}

/* weights = e^((logits - top) / temperature), whose sum is returned; `sums` those of each
   STRIDE. */
static double weigh_all(const float *logits, int64_t size, float top, float temperature,
                        float *weights, double *sums) {
  double total = 0;
  for (int64_t from = 0; from < size; from += STRIDE) {
    const int64_t to = from + STRIDE < size ? from + STRIDE : size;
    floats sum = spread(0);
    for (int64_t i = from; i < to; i += LANES) {
      const int num_here = (int)clamp(to - i, LANES);
      floats x = spread(-INFINITY);
      memcpy(&x, logits + i, num_here * sizeof *logits);
      x = (x - top) / temperature;
      x = choose((PLACES >= num_here) | (x < -87.0f), spread(0), exponential(x));
      memcpy(weights + i, &x, sizeof x);
      sum += x;
    }
    total += sums[from / STRIDE] = sum_of(sum);
  }
  return total;
}

static int64_t argmax(const float *logits, int64_t size, float top) {
  for (int64_t i = 0; i < size; i++)
    if (logits[i] == top) return i;
  return 0;
}

/* The place where the cumulative weight passes `wanted`, or the last that weighs anything. */
static int64_t place_in_all(const float *weights, const double *sums, int64_t size,
                            double wanted) {
  double before = 0;
  int64_t last = 0;
  for (int64_t from = 0; from < size; from += STRIDE) {
    const double after = before + sums[from / STRIDE];
    if (after > wanted || from + STRIDE >= size) {
      for (int64_t i = from; i < size && i < from + STRIDE; i++) {
        if (weights[i] > 0) last = i;
        before += weights[i];
        if (before > wanted) return i;
      }
      return last;
    }
    before = after;
  }
  return last;
}

static int heavier(const void *one, const void *other) {
  const float first = ((const Likely *)one)->weight, second = ((const Likely *)other)->weight;
  return (first < second) - (first > second);
}

/* Of the tokens in falling order, the weight of the last that stays. */
static float least_kept(const Likely *ordered, int count, double total, float top_p, int top_k) {
  const int most = top_k > 0 && top_k < count ? top_k : count;
  if (top_k > 0) {
    total = 0;
    for (int i = 0; i < most; i++) total += ordered[i].weight;
  }
  double before = 0;
  int kept = 0;
  /* One stays while those before it have not filled the nucleus: the first always does. */
  while (kept < most && (kept == 0 || before < top_p * total)) before += ordered[kept++].weight;
  return ordered[kept - 1].weight;
}

/* How many tokens weigh at least `floor`, and more than nothing; NOT_DRAWN if very many. */
static int find_likely(const float *weights, int64_t size, float floor, Likely *likely) {
  int count = 0;
  for (int64_t i = 0; i < size; i++) {
    if (weights[i] < floor || weights[i] == 0) continue;
    if (count == MOST_LIKELY) return NOT_DRAWN;
    likely[count++] = (Likely){weights[i], (int32_t)i};
  }
  return count;
}

static int64_t place_in_nucleus(const float *weights, int64_t size, double total, float top_p,
                                int top_k, double height) {
  Likely likely[MOST_LIKELY], ordered[MOST_LIKELY];
  /* All that weigh less are together less than what the nucleus leaves out; the likeliest weighs
     1, and is enough to begin with where only their number counts. */
  float floor = top_p < 1 ? (float)((1 - (double)top_p) * total / (double)size) : 1;
  int count = find_likely(weights, size, floor, likely);
  /* A share of the top_k likeliest needs all of them. */
  for (; count >= 0 && count < top_k && floor > 0; floor *= 0.1f)
    count = find_likely(weights, size, floor * 0.1f, likely);
  if (count < 0) return NOT_DRAWN;
  memcpy(ordered, likely, count * sizeof *likely);
  qsort(ordered, count, sizeof *ordered, heavier);
  const float least = least_kept(ordered, count, total, top_p, top_k);
  double kept = 0, before = 0;
  for (int i = 0; i < count; i++) kept += likely[i].weight >= least ? likely[i].weight : 0;
  int64_t last = NOT_DRAWN;
  /* In the order of the vocabulary, as all draws are. */
  for (int i = 0; i < count; i++) {
    if (likely[i].weight < least) continue;
    last = likely[i].token;
    before += likely[i].weight;
    if (before > height * kept) break;
  }
  return last;
}

/* One step of SplitMix64 (Steele, Lea and Flood, 2014). */
INLINE uint64_t mix(uint64_t state) {
  state += 0x9E3779B97F4A7C15;
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
  return state ^ (state >> 31);
}

/* Between 0 and 1, as worker/engine/draws.py has it. */
static double uniform(const Asked *asked) {
  const uint64_t state = mix(mix(mix(asked->seed) ^ asked->candidate) ^ asked->position);
  return (double)(state >> 11) * 0x1p-53;
}

static int64_t draw_row(const float *logits, int64_t size, const Asked *asked, float *weights,
                        double *sums) {
  const float top = top_of(logits, size), temperature = asked->temperature;
  if (!(temperature > 0) || !isfinite(top)) return argmax(logits, size, top);
  const double total = weigh_all(logits, size, top, temperature, weights, sums);
  const double height = uniform(asked);
  if (asked->top_p < 1 || asked->top_k > 0)
    return place_in_nucleus(weights, size, total, asked->top_p, asked->top_k, height);
  return place_in_all(weights, sums, size, height * total);
}

typedef struct {
  const float *logits, *shaped;
  int64_t num_rows, size;
  const Asked *asked;
  const Drawn *drawn;
  float *weights;
  double *sums;
} DrawCall;

static void draw_some(const void *of, Member *me) {
  const DrawCall *call = of;
  const int64_t size = call->size;
  float *weights = call->weights + me->index * (size + LANES);
  double *sums = call->sums + me->index * (size / STRIDE + 1);
  for (Chunk rows = {0}; next_chunk(me, &rows, call->num_rows, 1);) {
    const int64_t row = rows.begin;
    const float *own = call->logits + row * size, top = top_of(own, size);
    const float norm = top + (float)log(weigh_all(own, size, top, 1, weights, sums));
    const int64_t token =
        draw_row(call->shaped + row * size, size, call->asked + row, weights, sums);
    call->drawn->tokens[row] = token;
    call->drawn->norms[row] = norm;
    call->drawn->logprobs[row] = token == NOT_DRAWN ? NAN : own[token] - norm;
  }
}

/* Draws from `shaped` [rows, size], into which something turned the `logits`. `weights` and
   `sums` are room for each thread: size + LANES floats, and a double for each STRIDE. */
void draw_rows(const float *logits, const float *shaped, int64_t num_rows, int64_t size,
               const Asked *asked, const Drawn *drawn, float *weights, double *sums,
               int64_t num_threads) {
  const DrawCall call = {logits, shaped, num_rows, size, asked, drawn, weights, sums};
  run_together(draw_some, &call, num_threads);
}
