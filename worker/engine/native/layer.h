/* A whole decoder layer in one call: norm, attention, norm, gated inner layer, each added to
   what came in (the layers of Llama, Mistral, Qwen2 and Qwen3).

   All of it in one call, because to gather the threads costs as much as a small product. Sums
   are fp32; what passes from one part to the next is rounded where the model's own layer
   rounds it, or not at all. */

#pragma once

#include "attention.h"
#include "products.h"

/* Norms are [width], those of queries and keys [key dimension] or NULL. `gates` holds a panel
   of gates, then the panel that it opens, and so on. */
typedef struct {
  const float *input_norm, *query_norm, *key_norm, *inner_norm;
  float epsilon, head_epsilon;
  int64_t width;
  Weight heads, output, gates, inner;
} Layer;

/* Room for what is computed on the way, for all tokens of a step. */
typedef struct {
  number *bands;  /* what the next product reads */
  element *heads; /* [tokens, queries, keys and values of all heads] */
  element *read;  /* [tokens, heads * value dimension] */
  element *inner; /* [tokens, inner width] */
  float *scales;  /* [tokens] */
} Room;

/* Where a product's outputs go, as rows. */
typedef struct {
  element *rows;
  int64_t width;
} Rows;

static void put_rows(const void *target, int64_t panel, int64_t first, int num_tokens,
                     const floats *sums) {
  const Rows *to = target;
  for (int j = 0; j < num_tokens; j++)
    store_some(to->rows + (first + j) * to->width + panel * LANES, sums[j]);
}

static void add_rows(const void *target, int64_t panel, int64_t first, int num_tokens,
                     const floats *sums) {
  const Rows *to = target;
  for (int j = 0; j < num_tokens; j++) {
    const int64_t at = (first + j) * to->width + panel * LANES;
    store_some(to->rows + at, load_some(to->rows + at) + sums[j]);
  }
}

INLINE floats sigmoid(floats x) {
  const ints is_negative = x < 0.0f;
  const floats power = exponential(choose(is_negative, x, -x));
  return choose(is_negative, power, spread(1)) / (1.0f + power);
}

/* x * sigmoid(x) of the gates, times what they open. */
static void put_gated(const void *target, int64_t panel, int64_t first, int num_tokens,
                      const floats *sums) {
  const Rows *to = target;
  for (int j = 0; j < num_tokens; j++)
    store_some(to->rows + (first + j) * to->width + panel / 2 * LANES,
               sums[j] * sigmoid(sums[j]) * sums[LANES + j]);
}

INLINE float inverse_size(float squares, int64_t width, float epsilon) {
  return 1 / sqrtf(squares / (float)width + epsilon);
}

/* Root mean square norm (Zhang and Sennrich, 2019) of each row. */
static void normalise(Member *me, const element *rows, const float *norm, float epsilon,
                      int64_t width, int64_t num_tokens, const Bands *bands) {
  for (Chunk some = {0}; next_chunk(me, &some, num_tokens, LANES);)
    for (int64_t token = some.begin; token < some.end; token++) {
      float row[width];
      floats squares = spread(0);
      for (int64_t i = 0; i < width; i += LANES) {
        const floats x = load_some(rows + token * width + i);
        squares += x * x;
        memcpy(row + i, &x, sizeof x);
      }
      const float factor = inverse_size(sum_of(squares), width, epsilon);
      for (int64_t i = 0; i < width; i++) row[i] *= factor * norm[i];
      put_row(bands, width, token, row);
    }
}

/* Norm of a head where the model has one, then its rotation by the token's position. */
static void turn(element *head, const element *cosines, const element *sines, const float *norm,
                 float epsilon, int64_t dim) {
  float x[MAX_DIM], squares = 0;
  for (int64_t i = 0; i < dim; i++) x[i] = widen(head[i]);
  if (norm) {
    for (int64_t i = 0; i < dim; i++) squares += x[i] * x[i];
    const float factor = inverse_size(squares, dim, epsilon);
    for (int64_t i = 0; i < dim; i++) x[i] *= factor * norm[i];
  }
  const int64_t half = dim / 2;
  for (int64_t i = 0; i < half; i++) {
    head[i] = narrow(x[i] * widen(cosines[i]) - x[i + half] * widen(sines[i]));
    head[i + half] =
        narrow(x[i + half] * widen(cosines[i + half]) + x[i] * widen(sines[i + half]));
  }
}

static void turn_heads(const Layer *layer, const Shape *shape, const element *cosines,
                       const element *sines, element *heads) {
  const int64_t dim = shape->key_dim, num_queries = shape->num_heads * shape->group;
  for (int64_t head = 0; head < num_queries + shape->num_heads; head++)
    turn(heads + head * dim, cosines, sines,
         head < num_queries ? layer->query_norm : layer->key_norm, layer->head_epsilon, dim);
}

static void put_in_bands(Member *me, const element *rows, int64_t width, int64_t num_tokens,
                         const Bands *bands) {
  for (Chunk some = {0}; next_chunk(me, &some, num_tokens, LANES);)
    for (int64_t token = some.begin; token < some.end; token++) {
      float row[width];
      for (int64_t i = 0; i < width; i += LANES) {
        const floats x = load_some(rows + token * width + i);
        memcpy(row + i, &x, sizeof x);
      }
      put_row(bands, width, token, row);
    }
}

typedef struct {
  const Layer *layer;
  const Step *step;
  const Shape *shape;
  const Scoring *scoring;
  element *keys, *values;
  const element *cosines, *sines;
  element *hidden;
  const Room *room;
} LayerCall;

static void run_layer_together(const void *of, Member *me) {
  const LayerCall *call = of;
  const Layer *layer = call->layer;
  const Shape *shape = call->shape;
  const Room *room = call->room;
  const int64_t stride = layer->heads.outputs, num_queries = shape->num_heads * shape->group;
  element *first_key = room->heads + num_queries * shape->key_dim;
  const Heads queries = {room->heads, shape->key_dim, stride};
  const Heads new_keys = {first_key, shape->key_dim, stride};
  const Heads new_values = {first_key + shape->num_heads * shape->key_dim, shape->value_dim,
                            stride};
  const Heads read = {room->read, shape->value_dim, layer->output.depth};
  const Bands bands = {room->bands, room->scales};
  const Rows heads = {room->heads, stride}, inner = {room->inner, layer->inner.depth};
  const Rows hidden = {call->hidden, layer->width};
  const int64_t num_tokens = call->step->num_tokens;

  normalise(me, call->hidden, layer->input_norm, layer->epsilon, layer->width, num_tokens, &bands);
  multiply_all(me, &layer->heads, &bands, num_tokens, 1, put_rows, &heads);
  for (Chunk some = {0}; next_chunk(me, &some, num_tokens, LANES);)
    for (int64_t token = some.begin; token < some.end; token++) {
      turn_heads(layer, shape, call->cosines + token * shape->key_dim,
                 call->sines + token * shape->key_dim, room->heads + token * stride);
      write_token(call->step, shape, call->keys, call->values, &new_keys, &new_values, token);
    }
  read_tiles(me, call->step, shape, call->scoring, call->keys, call->values, &queries, &read);
  put_in_bands(me, room->read, layer->output.depth, num_tokens, &bands);
  multiply_all(me, &layer->output, &bands, num_tokens, 1, add_rows, &hidden);
  normalise(me, call->hidden, layer->inner_norm, layer->epsilon, layer->width, num_tokens, &bands);
  multiply_all(me, &layer->gates, &bands, num_tokens, 2, put_gated, &inner);
  put_in_bands(me, room->inner, layer->inner.depth, num_tokens, &bands);
  multiply_all(me, &layer->inner, &bands, num_tokens, 1, add_rows, &hidden);
}

/* Turns `hidden` [tokens, width] into what the layer makes of it; `cosines` and `sines` are
   [tokens, key dimension]. */
void run_layer(const Layer *layer, const Step *step, const Shape *shape, const Scoring *scoring,
               element *keys, element *values, const element *cosines, const element *sines,
               element *hidden, const Room *room) {
  const LayerCall call = {layer,  step,    shape, scoring, keys,
                          values, cosines, sines, hidden,  room};
  run_together(run_layer_together, &call, shape->num_threads);
}

/* Logits as rows, which end within the last panel. */
typedef struct {
  float *rows;
  int64_t width;
} Logits;

static void put_logits(const void *target, int64_t panel, int64_t first, int num_tokens,
                       const floats *sums) {
  const Logits *to = target;
  const int64_t at = panel * LANES;
  for (int j = 0; j < num_tokens; j++)
    memcpy(to->rows + (first + j) * to->width + at, sums + j,
           clamp(to->width - at, LANES) * sizeof(float));
}

typedef struct {
  const Weight *weight;
  const float *norm;
  float epsilon;
  const element *from;
  int64_t num_tokens;
  Logits to;
  Bands bands;
} ProjectCall;

static void project_together(const void *of, Member *me) {
  const ProjectCall *call = of;
  const int64_t depth = call->weight->depth, num_tokens = call->num_tokens;
  if (call->norm)
    normalise(me, call->from, call->norm, call->epsilon, depth, num_tokens, &call->bands);
  else
    put_in_bands(me, call->from, depth, num_tokens, &call->bands);
  multiply_all(me, call->weight, &call->bands, num_tokens, 1, put_logits, &call->to);
}

/* `to` [tokens, outputs] = `from` [tokens, depth], normalised where there is a norm, times the
   weight, whose panels may hold more outputs; `numbers` is room for whole bands of `from`, and
   `scales` for its tokens. */
void project(const Weight *weight, const float *norm, float epsilon, const element *from,
             int64_t num_tokens, float *to, int64_t outputs, number *numbers, float *scales,
             int64_t num_threads) {
  const ProjectCall call = {
      weight, norm, epsilon, from, num_tokens, {to, outputs}, {numbers, scales}};
  run_together(project_together, &call, num_threads);
}
