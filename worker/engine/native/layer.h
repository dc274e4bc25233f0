/* A whole decoder layer in one call: norm, attention, norm, gated inner layer, each added to
   what came in (the layers of Llama, Mistral, Qwen2 and Qwen3).

   All of it by one team of threads, because starting and joining one costs as much as a
   small product. Sums are fp32; what passes from one part to the next is rounded where the
   model's own layer rounds it, or not at all. */

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
static void normalise(const element *rows, const float *norm, float epsilon, int64_t width,
                      int64_t num_tokens, const Bands *bands) {
#pragma omp for schedule(static, LANES)
  for (int64_t token = 0; token < num_tokens; token++) {
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
                       const element *sines, int64_t num_tokens, element *heads) {
  const int64_t dim = shape->key_dim, num_queries = shape->num_heads * shape->group;
#pragma omp for schedule(static)
  for (int64_t token = 0; token < num_tokens; token++)
    for (int64_t head = 0; head < num_queries + shape->num_heads; head++)
      turn(heads + token * layer->heads.outputs + head * dim, cosines + token * dim,
           sines + token * dim, head < num_queries ? layer->query_norm : layer->key_norm,
           layer->head_epsilon, dim);
}

static void put_in_bands(const element *rows, int64_t width, int64_t num_tokens,
                         const Bands *bands) {
#pragma omp for schedule(static, LANES)
  for (int64_t token = 0; token < num_tokens; token++) {
    float row[width];
    for (int64_t i = 0; i < width; i += LANES) {
      const floats x = load_some(rows + token * width + i);
      memcpy(row + i, &x, sizeof x);
    }
    put_row(bands, width, token, row);
  }
}

/* Turns `hidden` [tokens, width] into what the layer makes of it; `cosines` and `sines` are
   [tokens, key dimension]. */
void run_layer(const Layer *layer, const Step *step, const Shape *shape, const Scoring *scoring,
               element *keys, element *values, const element *cosines, const element *sines,
               element *hidden, const Room *room) {
  const int64_t stride = layer->heads.outputs, num_queries = shape->num_heads * shape->group;
  element *first_key = room->heads + num_queries * shape->key_dim;
  const Heads queries = {room->heads, shape->key_dim, stride};
  const Heads new_keys = {first_key, shape->key_dim, stride};
  const Heads new_values = {first_key + shape->num_heads * shape->key_dim, shape->value_dim,
                            stride};
  const Heads read = {room->read, shape->value_dim, layer->output.depth};
  const Bands bands = {room->bands, room->scales};
  const int64_t num_tokens = step->num_tokens;
#pragma omp parallel num_threads(shape->num_threads)
  {
    normalise(hidden, layer->input_norm, layer->epsilon, layer->width, num_tokens, &bands);
    multiply_all(&layer->heads, &bands, num_tokens, 1, put_rows,
                 &(Rows){room->heads, stride});
    turn_heads(layer, shape, cosines, sines, num_tokens, room->heads);
    write_tokens(step, shape, keys, values, &new_keys, &new_values);
    read_tiles(step, shape, scoring, keys, values, &queries, &read);
    put_in_bands(room->read, layer->output.depth, num_tokens, &bands);
    multiply_all(&layer->output, &bands, num_tokens, 1, add_rows,
                 &(Rows){hidden, layer->width});
    normalise(hidden, layer->inner_norm, layer->epsilon, layer->width, num_tokens, &bands);
    multiply_all(&layer->gates, &bands, num_tokens, 2, put_gated,
                 &(Rows){room->inner, layer->inner.depth});
    put_in_bands(room->inner, layer->inner.depth, num_tokens, &bands);
    multiply_all(&layer->inner, &bands, num_tokens, 1, add_rows,
                 &(Rows){hidden, layer->width});
  }
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

/* `to` [tokens, outputs] = `from` [tokens, depth], normalised where there is a norm, times the
   weight, whose panels may hold more outputs; `numbers` is room for whole bands of `from`, and
   `scales` for its tokens. */
void project(const Weight *weight, const float *norm, float epsilon, const element *from,
             int64_t num_tokens, float *to, int64_t outputs, number *numbers, float *scales,
             int64_t num_threads) {
  const Bands bands = {numbers, scales};
#pragma omp parallel num_threads(num_threads)
  {
    if (norm)
      normalise(from, norm, epsilon, weight->depth, num_tokens, &bands);
    else
      put_in_bands(from, weight->depth, num_tokens, &bands);
    multiply_all(weight, &bands, num_tokens, 1, put_logits, &(Logits){to, outputs});
  }
}
