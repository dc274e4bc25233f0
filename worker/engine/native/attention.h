/* Attention over the cache's blocks on a CPU, for which torch has no operation.

   One call writes a step's keys and values of one layer, then reads the cache for all of
   the step's tokens. Softmax runs along with the blocks (Milakov and Gimelshein, 2018), so
   no score leaves the first-level cache. Each query is computed by the same operations in
   the same order, whatever else is in the step.

   Products run over pairs that lie side by side (of bf16; fp32 has one for two): keys lie as
   [blocks, heads, key dimension / PAIR, BLOCK, PAIR], values as [blocks, heads, BLOCK / PAIR,
   value width, PAIR]. */

#pragma once

#include "team.h"
#include "vectors.h"

enum { BLOCK = 32, MAX_DIM = 256 };

/* A block's scores, or as many numbers of a value, in vectors. */
enum { VECTORS = BLOCK / LANES };

/* Queries that are multiplied at once: as many sums as the processor has registers for. */
enum { ROWS = LANES == 16 ? 8 : 2 };

/* Queries that share one walk over the blocks. */
enum { TILE = 64 };

/* A step's tokens, and what each tile of them reads: tokens `first` to `last` read a block,
   of which `counts` keys are there, the first of them at position `starts`. */
typedef struct {
  int64_t num_tokens, num_tiles;
  const int32_t *positions, *places;             /* [tokens]; block * BLOCK + offset */
  const int32_t *tile_tokens, *tile_reads;       /* [tiles + 1]: where each begins */
  const int32_t *blocks;                         /* [reads + 1]: what is read next */
  const int32_t *starts, *counts, *first, *last; /* [reads] */
} Step;

typedef struct {
  int64_t num_heads, group; /* heads of keys and values; of queries to each of them */
  int64_t key_dim, value_dim;
  int64_t value_width; /* of a value in the cache: value_dim filled up to BLOCK */
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
  element queries[TILE * MAX_DIM], weights[TILE * BLOCK];
  float scores[TILE * BLOCK], sums[TILE * MAX_DIM];
  floats totals[TILE]; /* of weights, in as many parts */
  float tops[TILE], scales[TILE];
  int num_queries;
  int low[TILE], high[TILE]; /* of the block's keys, those that each query sees */
} __attribute__((aligned(64))) Tile;

/* Of a pair, its other half is zero until it is written: it is multiplied with zero before. */
static void write_token(const Step *step, const Shape *shape, element *keys, element *values,
                        const Heads *new_keys, const Heads *new_values, int64_t token) {
  const int64_t place = step->places[token], block = place / BLOCK, offset = place % BLOCK;
  const int is_followed = token + 1 < step->num_tokens && step->places[token + 1] == place + 1;
  const int begins_pair = offset % PAIR < PAIR - 1 && !is_followed;
  for (int64_t head = 0; head < shape->num_heads; head++) {
    const int64_t first = (block * shape->num_heads + head) * BLOCK;
    const element *key =
        new_keys->data + head * new_keys->head_stride + token * new_keys->token_stride;
    const element *value =
        new_values->data + head * new_values->head_stride + token * new_values->token_stride;
    element *to_keys = keys + first * shape->key_dim + offset * PAIR;
    element *to_values = values + (first + offset / PAIR * PAIR) * shape->value_width + offset % PAIR;
    for (int64_t i = 0; i < shape->key_dim; i += PAIR)
      memcpy(to_keys + i * BLOCK, key + i, sizeof(pair));
    for (int64_t i = 0; i < shape->value_dim; i++) to_values[i * PAIR] = value[i];
    if (begins_pair)
      for (int64_t i = 0; i < shape->value_dim; i++) to_values[i * PAIR + PAIR - 1] = 0;
  }
}

/* scores[rows, BLOCK] = queries[rows, dim] times the first `parts` vectors of a block's keys, which
   need not be all where it is not full; what is read next comes near. */
INLINE void score(float *scores, const element *queries, const element *keys, int64_t dim,
                  const element *next, const int rows, const int parts) {
  const pair *pairs = (const pair *)queries;
  floats sums[ROWS][VECTORS] = {};
  for (int64_t i = 0; i < dim / PAIR; i++)
    for (int part = 0; part < parts; part++) {
      const int64_t at = (i * BLOCK + part * LANES) * PAIR;
      __builtin_prefetch(next + (i * parts + part) * LANES * PAIR);
      for (int row = 0; row < rows; row++)
        sums[row][part] = add_products(sums[row][part], pairs[row * dim / PAIR + i], keys + at);
    }
  memcpy(scores, sums, rows * sizeof *sums);
}

/* sums[rows, width] = sums * scales + weights[rows, low:high] times a block's values; weights
   of keys that are not seen are zero. What is read next comes near. */
INLINE void add(float *sums, const element *weights, const float *scales, const element *values,
                int64_t width, int low, int high, const element *next, const int rows) {
  const pair *pairs = (const pair *)weights;
  for (int64_t at = 0; at < width; at += BLOCK) {
    floats some[ROWS][VECTORS];
    for (int row = 0; row < rows; row++)
      for (int part = 0; part < VECTORS; part++)
        some[row][part] = load_floats(sums + row * width + at + part * LANES) * scales[row];
    for (int key = low / PAIR; key * PAIR < high; key++)
      for (int part = 0; part < VECTORS; part++) {
        __builtin_prefetch(next + at * BLOCK + (key * BLOCK + part * LANES) * PAIR);
        for (int row = 0; row < rows; row++)
          some[row][part] = add_products(some[row][part], pairs[row * BLOCK / PAIR + key],
                                         values + (key * width + at + part * LANES) * PAIR);
      }
    for (int row = 0; row < rows; row++) memcpy(sums + row * width + at, some + row, sizeof *some);
  }
}

/* A constant number of rows each time, so that the compiler keeps their sums in registers. */
#define AT_MOST(n) ((n) < ROWS ? (n) : ROWS)
#define FOR_ROWS(first, end, CALL)                                     \
  for (int row = first, rows; row < end; row += rows) {                \
    rows = end - row < ROWS ? end - row : ROWS;                        \
    switch (rows) {                                                    \
      case 1: CALL(1); break;                                          \
      case 2: CALL(AT_MOST(2)); break;                                 \
      case 3: CALL(AT_MOST(3)); break;                                 \
      case 4: CALL(AT_MOST(4)); break;                                 \
      case 5: CALL(AT_MOST(5)); break;                                 \
      case 6: CALL(AT_MOST(6)); break;                                 \
      case 7: CALL(AT_MOST(7)); break;                                 \
      default: CALL(ROWS);                                             \
    }                                                                  \
  }

/* Of keys before `high`. */
static void score_all(Tile *tile, int first, int last, const element *keys, int64_t dim, int high,
                      const element *next) {
#define SCORE(n, parts) \
  score(tile->scores + row * BLOCK, tile->queries + row * dim, keys, dim, next, n, parts)
#define ALL(n) SCORE(n, VECTORS)
#define HALF(n) SCORE(n, VECTORS / 2)
  if (high > BLOCK / 2)
    FOR_ROWS(first, last, ALL)
  else
    FOR_ROWS(first, last, HALF)
#undef HALF
#undef ALL
#undef SCORE
}

static void add_all(Tile *tile, int first, int last, const element *values, int64_t dim, int low,
                    int high, const element *next) {
#define CALL(n)                                                                             \
  add(tile->sums + row * dim, tile->weights + row * BLOCK, tile->scales + row, values, dim, \
      low, high, next, n)
  FOR_ROWS(first, last, CALL)
#undef CALL
}

/* Turns a query's scores into weights, relative to the largest score so far. */
static void weigh(Tile *tile, int query, float scale, float softcap) {
  const float before = tile->tops[query];
  floats scores[VECTORS], tops = spread(-INFINITY), total = spread(0);
  ints sees[VECTORS];
  for (int part = 0; part < VECTORS; part++) {
    const ints places = PLACES + part * LANES;
    scores[part] = load_floats(tile->scores + query * BLOCK + part * LANES) * scale;
    if (softcap != 0) scores[part] = hyperbolic_tangent(scores[part] / softcap) * softcap;
    sees[part] = (places >= tile->low[query]) & (places < tile->high[query]);
    tops = larger(choose(sees[part], scores[part], spread(-INFINITY)), tops);
  }
  const float block_top = largest_of(tops), top = block_top > before ? block_top : before;
  for (int part = 0; part < VECTORS; part++) {
    const floats weights = choose(sees[part], exponential(scores[part] - top), spread(0));
    store_some(tile->weights + query * BLOCK + part * LANES, weights);
    total += weights;
  }
  tile->tops[query] = top;
  tile->scales[query] = before < top ? exponential(spread(before - top))[0] : 1;
  tile->totals[query] = tile->totals[query] * tile->scales[query] + total;
}

static void read_queries(const Shape *shape, const Heads *queries, int64_t head, int64_t begin,
                         Tile *tile) {
  for (int query = 0; query < tile->num_queries; query++) {
    const int64_t token = begin + query / shape->group;
    const element *from = queries->data + token * queries->token_stride +
                          (head * shape->group + query % shape->group) * queries->head_stride;
    memcpy(tile->queries + query * shape->key_dim, from, shape->key_dim * sizeof *from);
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
      to[i] = narrow(sums[i] / total);
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
  const int64_t next = ((int64_t)step->blocks[read + 1] * shape->num_heads + head) * BLOCK;
  const element *block_values = values + at * shape->value_width;
  score_all(tile, first, last, keys + at * shape->key_dim, shape->key_dim, high, block_values);
  for (int query = first; query < last; query++) weigh(tile, query, scoring->scale, scoring->softcap);
  add_all(tile, first, last, block_values, shape->value_width, low, high,
          keys + next * shape->key_dim);
}

static void write_tokens(Member *me, const Step *step, const Shape *shape, element *keys,
                         element *values, const Heads *new_keys, const Heads *new_values) {
  for (Chunk some = {0}; next_chunk(me, &some, step->num_tokens, LANES);)
    for (int64_t token = some.begin; token < some.end; token++)
      write_token(step, shape, keys, values, new_keys, new_values, token);
}

static void read_tiles(Member *me, const Step *step, const Shape *shape, const Scoring *scoring,
                       const element *keys, const element *values, const Heads *queries,
                       const Heads *outputs) {
  Tile tile;
  const int64_t num = step->num_tiles * shape->num_heads;
  for (Chunk one = {0}; next_chunk(me, &one, num, 1);) {
    /* The last first: chunks of prompts, which take longest. */
    const int64_t i = num - one.end;
    const int64_t number = i / shape->num_heads, head = i % shape->num_heads;
    const int64_t begin = step->tile_tokens[number];
    tile.num_queries = (int)((step->tile_tokens[number + 1] - begin) * shape->group);
    read_queries(shape, queries, head, begin, &tile);
    for (int64_t read = step->tile_reads[number]; read < step->tile_reads[number + 1]; read++)
      read_block(step, shape, scoring, keys, values, head, begin, read, &tile);
    write_outputs(shape, outputs, head, begin, &tile);
  }
}

typedef struct {
  const Step *step;
  const Shape *shape;
  const Scoring *scoring;
  element *keys, *values;
  const Heads *queries, *new_keys, *new_values, *outputs;
} AttendCall;

static void attend_together(const void *of, Member *me) {
  const AttendCall *call = of;
  /* All of it before anything is read: one may share what another writes in this step. */
  write_tokens(me, call->step, call->shape, call->keys, call->values, call->new_keys,
               call->new_values);
  read_tiles(me, call->step, call->shape, call->scoring, call->keys, call->values, call->queries,
             call->outputs);
}

/* `keys` and `values` are one layer's cache; `outputs` like `queries`, of the values' size. */
void attend(const Step *step, const Shape *shape, const Scoring *scoring, element *keys,
            element *values, const Heads *queries, const Heads *new_keys,
            const Heads *new_values, const Heads *outputs) {
  const AttendCall call = {step,    shape,    scoring,    keys,   values,
                           queries, new_keys, new_values, outputs};
  run_together(attend_together, &call, shape->num_threads);
}
