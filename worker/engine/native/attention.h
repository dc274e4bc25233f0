/* Attention over the cache's blocks on a CPU, for which torch has no operation.

   One call writes a step's keys and values of one layer, then reads the cache for all of
   the step's tokens. Softmax runs along with the blocks (Milakov and Gimelshein, 2018), so
   no score leaves the first-level cache. Each query is computed by the same operations in
   the same order, whatever else is in the step.

   Keys lie as [blocks, heads, key dimension, BLOCK], so that a product with a query runs
   over keys side by side; values as [blocks, heads, BLOCK, value width]. */

#pragma once

#include "vectors.h"

enum { BLOCK = 2 * LANES, MAX_DIM = 256 };

/* Queries that are multiplied at once: as many sums as the processor has registers for. */
#ifdef __AVX512F__
enum { ROWS = 8 };
#else
enum { ROWS = 2 };
#endif

/* Queries that share one walk over the blocks. */
enum { TILE = 64 };

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
INLINE void score(float *weights, const float *queries, const element *keys, int64_t dim,
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

static void score_all(Tile *tile, int first, int last, const element *keys, int64_t dim) {
#define CALL(n) score(tile->weights + row * BLOCK, tile->queries + row * dim, keys, dim, n)
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
  score_all(tile, first, last, keys + at * shape->key_dim, shape->key_dim);
  for (int query = first; query < last; query++) weigh(tile, query, scoring->softcap);
  add_all(tile, first, last, values + at * shape->value_width, shape->value_width, low, high);
}

static void write_tokens(const Step *step, const Shape *shape, element *keys, element *values,
                         const Heads *new_keys, const Heads *new_values) {
#pragma omp for schedule(static)
  for (int64_t token = 0; token < step->num_tokens; token++)
    write_token(step, shape, keys, values, new_keys, new_values, token);
}

static void read_tiles(const Step *step, const Shape *shape, const Scoring *scoring,
                       const element *keys, const element *values, const Heads *queries,
                       const Heads *outputs) {
  Tile tile;
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

/* `keys` and `values` are one layer's cache; `outputs` like `queries`, of the values' size. */
void attend(const Step *step, const Shape *shape, const Scoring *scoring, element *keys,
            element *values, const Heads *queries, const Heads *new_keys,
            const Heads *new_values, const Heads *outputs) {
#pragma omp parallel num_threads(shape->num_threads)
  {
    /* All of it before anything is read: one may share what another writes in this step. */
    write_tokens(step, shape, keys, values, new_keys, new_values);
    read_tiles(step, shape, scoring, keys, values, queries, outputs);
  }
}
