/* Attention over the cache's blocks on a CPU, for which torch has no operation.

   One call writes a step's keys and values of one layer, then reads the cache for all of
   the step's tokens. Softmax runs along with the blocks (Milakov and Gimelshein, 2018), so
   no score leaves the first-level cache. Each query is computed by the same operations in
   the same order, whatever else is in the step.

   Keys lie as [blocks, heads, key dimension, BLOCK], so that a product with a query runs
   over keys side by side; values as [blocks, heads, BLOCK, value width].

   Vectors are GNU C's, which gcc and clang lower to what the processor has. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16, BLOCK = 2 * LANES, MAX_DIM = 256 };

/* Queries that are multiplied at once: as many sums as the processor has registers for. */
#ifdef __AVX512F__
enum { ROWS = 8 };
#else
enum { ROWS = 2 };
#endif

/* Queries that share one walk over the blocks. */
enum { TILE = 64 };

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

#ifdef BFLOAT16
typedef uint16_t element;
#else
typedef float element;
#endif

#define INLINE static inline __attribute__((always_inline))

/* A step's tokens, and what each tile of them reads: tokens `first` to `last` read a block,
   of which `counts` keys are there, the first of them at position `starts`. */
typedef struct {
  int64_t num_tokens, num_tiles;
  const int32_t *positions, *places;        /* [tokens]; block * BLOCK + offset */
  const int32_t *tile_tokens, *tile_reads;  /* [tiles + 1]: where each begins */
  const int32_t *blocks, *starts, *counts, *first, *last; /* [reads] */
} Step;

typedef struct {
  int64_t num_heads, group; /* heads of keys and values; of queries to each of them */
  int64_t key_dim, value_dim;
  int64_t value_width; /* of a value in the cache: value_dim filled up to 2 * LANES */
  int64_t num_threads;
} Shape;

/* How scores are made: `window` keys are seen, 0 for all; softcap 0 for none. */
typedef struct {
  int64_t window;
  float scale, softcap;
} Scoring;

/* [heads, tokens, dimension], the last side by side; strides count elements. */
typedef struct {
  element *data;
  int64_t head_stride, token_stride;
} Heads;

/* Queries to one head of keys, on their walk over a sequence's blocks. */
typedef struct {
  float queries[TILE * MAX_DIM], sums[TILE * MAX_DIM], weights[TILE * BLOCK];
  floats totals[TILE]; /* of weights, in as many parts */
  float tops[TILE], scales[TILE];
  int num_queries;
  int low[TILE], high[TILE]; /* of the block's keys, those that each query sees */
} __attribute__((aligned(64))) Tile;

static const ints KEYS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

INLINE int64_t clamp(int64_t x, int64_t most) { return x < 0 ? 0 : x < most ? x : most; }

INLINE floats spread(float x) { return x - (floats){}; }

INLINE floats choose(ints is_first, floats first, floats second) {
  return (floats)((is_first & (ints)first) | (~is_first & (ints)second));
}

INLINE floats load_floats(const float *from) {
  floats x;
  memcpy(&x, from, sizeof x);
  return x;
}

/* Two vectors of elements that lie side by side. */
typedef struct {
  floats first, second;
} Pair;

#ifdef BFLOAT16
/* Every other element to each: a shift and a mask, where their own order takes a shuffle. */
INLINE Pair load(const element *from) {
  words both;
  memcpy(&both, from, sizeof both);
  return (Pair){(floats)(both << 16), (floats)(both & 0xffff0000)};
}

/* Where in a pair element i of 2 * LANES comes to lie, and the other way round. */
INLINE int64_t place_of(int64_t i) { return i % 2 * LANES + i / 2; }
INLINE int64_t element_at(int64_t place) { return place % LANES * 2 + place / LANES; }

INLINE float widen(element x) {
  const uint32_t word = (uint32_t)x << 16;
  float wide;
  memcpy(&wide, &word, sizeof wide);
  return wide;
}

/* To the nearest, ties to even. */
INLINE element narrow(float x) {
  uint32_t word;
  memcpy(&word, &x, sizeof word);
  return x != x ? 0x7fc0 : (word + 0x7fff + ((word >> 16) & 1)) >> 16;
}
#else
INLINE Pair load(const element *from) {
  return (Pair){load_floats(from), load_floats(from + LANES)};
}

INLINE int64_t place_of(int64_t i) { return i; }
INLINE int64_t element_at(int64_t place) { return place; }
INLINE float widen(element x) { return x; }
INLINE element narrow(float x) { return x; }
#endif

#define HALVE(x, call, lanes)                                                          \
  x = call(x, __builtin_shufflevector(x, x, (0 + lanes) % 16, (1 + lanes) % 16,        \
      (2 + lanes) % 16, (3 + lanes) % 16, (4 + lanes) % 16, (5 + lanes) % 16,          \
      (6 + lanes) % 16, (7 + lanes) % 16, (8 + lanes) % 16, (9 + lanes) % 16,          \
      (10 + lanes) % 16, (11 + lanes) % 16, (12 + lanes) % 16, (13 + lanes) % 16,      \
      (14 + lanes) % 16, (15 + lanes) % 16))

INLINE floats plus(floats one, floats other) { return one + other; }

/* The other, where one is NaN. */
INLINE floats larger(floats one, floats other) { return choose(one > other, one, other); }

INLINE float sum_of(floats x) {
  HALVE(x, plus, 8);
  HALVE(x, plus, 4);
  HALVE(x, plus, 2);
  HALVE(x, plus, 1);
  return x[0];
}

INLINE float largest_of(floats x) {
  HALVE(x, larger, 8);
  HALVE(x, larger, 4);
  HALVE(x, larger, 2);
  HALVE(x, larger, 1);
  return x[0];
}

/* e^x of x <= 0 to 2e-7, NaN of NaN; the polynomial is that of Cephes' expf. */
INLINE floats exponential(floats x) {
  x = choose(x < -87.0f, spread(-87.0f), x);
  floats n = x * 1.44269504f;
  n = (n + 12582912.0f) - 12582912.0f; /* to the nearest integer */
  const floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
  floats p = spread(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const ints power = (__builtin_convertvector(n, ints) + 127) << 23;
  return p * (floats)power;
}

INLINE floats hyperbolic_tangent(floats x) {
  const ints is_negative = x < 0.0f;
  const floats power = exponential(choose(is_negative, x, -x) * 2.0f);
  const floats size = (1.0f - power) / (1.0f + power);
  return choose(is_negative, -size, size);
}

static void write_token(const Step *step, const Shape *shape, element *keys, element *values,
                        const Heads *new_keys, const Heads *new_values, int64_t token) {
  const int64_t block = step->places[token] / BLOCK, offset = step->places[token] % BLOCK;
  for (int64_t head = 0; head < shape->num_heads; head++) {
    const int64_t first = (block * shape->num_heads + head) * BLOCK;
    const element *key =
        new_keys->data + head * new_keys->head_stride + token * new_keys->token_stride;
    const element *value =
        new_values->data + head * new_values->head_stride + token * new_values->token_stride;
    element *column = keys + first * shape->key_dim + element_at(offset);
    for (int64_t i = 0; i < shape->key_dim; i++) column[i * BLOCK] = key[i];
    memcpy(values + (first + offset) * shape->value_width, value, shape->value_dim * sizeof *value);
  }
}

/* weights[rows, BLOCK] = queries[rows, dim] times a block's keys. */
INLINE void multiply(float *weights, const float *queries, const element *keys, int64_t dim,
                     const int rows) {
  Pair sums[ROWS] = {};
  for (int64_t i = 0; i < dim; i++) {
    const Pair key = load(keys + i * BLOCK);
    for (int row = 0; row < rows; row++) {
      sums[row].first += queries[row * dim + i] * key.first;
      sums[row].second += queries[row * dim + i] * key.second;
    }
  }
  memcpy(weights, sums, rows * sizeof *sums);
}

/* sums[rows, width] = sums * scales + weights[rows, low:high] times a block's values. */
INLINE void add(float *sums, const float *weights, const float *scales, const element *values,
                int64_t width, int low, int high, const int rows) {
  for (int64_t at = 0; at < width; at += 2 * LANES) {
    Pair some[ROWS];
    for (int row = 0; row < rows; row++) {
      some[row].first = load_floats(sums + row * width + at) * scales[row];
      some[row].second = load_floats(sums + row * width + at + LANES) * scales[row];
    }
    for (int key = low; key < high; key++) {
      const Pair value = load(values + key * width + at);
      for (int row = 0; row < rows; row++) {
        some[row].first += weights[row * BLOCK + key] * value.first;
        some[row].second += weights[row * BLOCK + key] * value.second;
      }
    }
    for (int row = 0; row < rows; row++) memcpy(sums + row * width + at, some + row, sizeof *some);
  }
}

/* A constant number of rows each time, so that the compiler keeps their sums in registers. */
#define FOR_ROWS(first, end, CALL)                                     \
  for (int row = first, rows; row < end; row += rows) {                \
    rows = end - row < ROWS ? end - row : ROWS;                        \
    switch (rows) {                                                    \
      case 1: CALL(1); break;                                          \
      case 2: CALL(2); break;                                          \
      case 3: CALL(3); break;                                          \
      case 4: CALL(4); break;                                          \
      case 5: CALL(5); break;                                          \
      case 6: CALL(6); break;                                          \
      case 7: CALL(7); break;                                          \
      default: CALL(8);                                                \
    }                                                                  \
  }

static void multiply_all(Tile *tile, int first, int last, const element *keys, int64_t dim) {
#define CALL(n) multiply(tile->weights + row * BLOCK, tile->queries + row * dim, keys, dim, n)
  FOR_ROWS(first, last, CALL)
#undef CALL
}

static void add_all(Tile *tile, int first, int last, const element *values, int64_t dim, int low,
                    int high) {
#define CALL(n)                                                                             \
  add(tile->sums + row * dim, tile->weights + row * BLOCK, tile->scales + row, values, dim, \
      low, high, n)
  FOR_ROWS(first, last, CALL)
#undef CALL
}

/* Turns a query's scores into weights, relative to the largest score so far. */
static void weigh(Tile *tile, int query, float softcap) {
  float *each = tile->weights + query * BLOCK;
  floats first = load_floats(each), second = load_floats(each + LANES);
  if (softcap != 0) {
    first = hyperbolic_tangent(first / softcap) * softcap;
    second = hyperbolic_tangent(second / softcap) * softcap;
  }
  const int low = tile->low[query], high = tile->high[query];
  const ints sees_first = (KEYS >= low) & (KEYS < high);
  const ints sees_second = (KEYS + LANES >= low) & (KEYS + LANES < high);
  first = choose(sees_first, first, spread(-INFINITY));
  second = choose(sees_second, second, spread(-INFINITY));
  const float before = tile->tops[query], block_top = largest_of(larger(first, second));
  const float top = block_top > before ? block_top : before;
  first = choose(sees_first, exponential(first - top), spread(0));
  second = choose(sees_second, exponential(second - top), spread(0));
  memcpy(each, &first, sizeof first);
  memcpy(each + LANES, &second, sizeof second);
  tile->tops[query] = top;
  tile->scales[query] = before < top ? exponential(spread(before - top))[0] : 1;
  tile->totals[query] = tile->totals[query] * tile->scales[query] + first + second;
}

static void read_queries(const Shape *shape, const Heads *queries, float scale, int64_t head,
                         int64_t begin, Tile *tile) {
  for (int query = 0; query < tile->num_queries; query++) {
    const int64_t token = begin + query / shape->group;
    const element *from = queries->data + token * queries->token_stride +
                          (head * shape->group + query % shape->group) * queries->head_stride;
    for (int64_t i = 0; i < shape->key_dim; i++)
      tile->queries[query * shape->key_dim + i] = widen(from[i]) * scale;
    tile->tops[query] = -INFINITY;
    tile->totals[query] = spread(0);
  }
  memset(tile->sums, 0, tile->num_queries * shape->value_width * sizeof *tile->sums);
}

static void write_outputs(const Shape *shape, const Heads *outputs, int64_t head, int64_t begin,
                          const Tile *tile) {
  for (int query = 0; query < tile->num_queries; query++) {
    const int64_t token = begin + query / shape->group;
    element *to = outputs->data + token * outputs->token_stride +
                  (head * shape->group + query % shape->group) * outputs->head_stride;
    const float total = sum_of(tile->totals[query]);
    const float *sums = tile->sums + query * shape->value_width;
    for (int64_t i = 0; i < shape->value_dim; i++)
      to[i] = narrow(sums[i / BLOCK * BLOCK + place_of(i % BLOCK)] / total);
  }
}

static void read_block(const Step *step, const Shape *shape, const Scoring *scoring,
                       const element *keys, const element *values, int64_t head, int64_t begin,
                       int64_t read, Tile *tile) {
  const int first = (int)((step->first[read] - begin) * shape->group);
  const int last = (int)((step->last[read] - begin) * shape->group);
  int low = BLOCK, high = 0;
  for (int query = first; query < last; query++) {
    const int64_t num_seen =
        step->positions[begin + query / shape->group] - step->starts[read] + 1;
    const int64_t num_out = scoring->window ? num_seen - scoring->window : 0;
    tile->low[query] = (int)clamp(num_out, BLOCK);
    tile->high[query] = (int)clamp(num_seen, step->counts[read]);
    if (tile->low[query] >= tile->high[query]) continue;
    low = tile->low[query] < low ? tile->low[query] : low;
    high = tile->high[query] > high ? tile->high[query] : high;
  }
  if (low >= high) return;
  const int64_t at = ((int64_t)step->blocks[read] * shape->num_heads + head) * BLOCK;
  multiply_all(tile, first, last, keys + at * shape->key_dim, shape->key_dim);
  for (int query = first; query < last; query++) weigh(tile, query, scoring->softcap);
  add_all(tile, first, last, values + at * shape->value_width, shape->value_width, low, high);
}

/* `keys` and `values` are one layer's cache; `outputs` like `queries`, of the values' size. */
void attend(const Step *step, const Shape *shape, const Scoring *scoring, element *keys,
            element *values, const Heads *queries, const Heads *new_keys,
            const Heads *new_values, const Heads *outputs) {
#pragma omp parallel num_threads(shape->num_threads)
  {
    Tile tile;
    /* All of it before anything is read: one may share what another writes in this step. */
#pragma omp for schedule(static)
    for (int64_t token = 0; token < step->num_tokens; token++)
      write_token(step, shape, keys, values, new_keys, new_values, token);
    /* The last first: chunks of prompts, which take longest. */
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = step->num_tiles * shape->num_heads - 1; i >= 0; i--) {
      const int64_t number = i / shape->num_heads, head = i % shape->num_heads;
      const int64_t begin = step->tile_tokens[number];
      tile.num_queries = (int)((step->tile_tokens[number + 1] - begin) * shape->group);
      read_queries(shape, queries, scoring->scale, head, begin, &tile);
      for (int64_t read = step->tile_reads[number]; read < step->tile_reads[number + 1]; read++)
        read_block(step, shape, scoring, keys, values, head, begin, read, &tile);
      write_outputs(shape, outputs, head, begin, &tile);
    }
  }
}
