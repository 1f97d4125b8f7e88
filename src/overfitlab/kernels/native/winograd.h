/* Convolution with 3x3 filters, stride 1 and padding 1, and its gradients, with a quarter of the multiplications
   (Lavin and Gray, 2015, arXiv:1509.09308): inputs and filters are transformed, multiplied point by point, summed over
   channels (or, for the weights' gradient, over tiles), and transformed back.

   Tensors are float32 with their channels side by side, [image][row][column][channel]; weights have any strides,
   {output channel, input channel, row, column}. Work is done in blocks of tiles and of channels whose transformed data
   stays in the second-level cache. The order of every sum follows from the shapes alone, so that results are the same
   on any number of threads. */

#ifndef WINOGRAD_H
#define WINOGRAD_H

#include "parallel.h"
#include "winograd_products.h"
#include "winograd_tiles.h"

#define GROUP (64 / LANES)   /* blocks of channels that are computed together */
#define BLOCK_FLOATS 147456  /* of transformed tiles that are to stay in cache together: 576 kB */
#define FORWARD_STEP 12      /* tiles: a multiple of the kernels' rows */
#define GRADIENT_STEP 32     /* tiles: enough that loading and storing their sums costs little */
#define CHUNKS 8             /* at most so many sums over a part of the tiles, */
#define CHUNK_TILES 128      /* each of at least so many */

static long smaller(long a, long b) { return a < b ? a : b; }

static float *aligned(float *scratch) { return (float *)(((uintptr_t)scratch + 63) / 64 * 64); }

/* How many tiles of so many channels to do at once: a multiple of `step`. */
static long block_of(long tiles, long channels, long step) {
  const long fit = BLOCK_FLOATS / POINTS / channels / step * step;
  return smaller(tiles, fit < step ? step : fit);
}

/* Forward, and the gradient of the input, which is a convolution with the filters turned by 180 degrees. */

typedef struct {
  grid all;
  const float *input, *weights, *bias;
  float *output;
  long from, to;                                      /* channels */
  long stride_to, stride_from, stride_row, stride_column; /* of the weights */
  long group, groups, block, blocks;                  /* output channels' blocks at once; tiles at once */
  layout input_layout, output_layout;
  long filter_point, filter_group, space;             /* distances within scratch */
  float *zeros, *filters, *spaces;
} convolution;

/* Fixes everything that follows from the shapes, and returns how many floats of scratch are needed. */
static long plan_convolution(convolution *c, long images, long height, long width, long from, long to, int threads,
                             float *scratch) {
  c->all = grid_of(images, height, width);
  c->from = from, c->to = to;
  c->group = smaller(GROUP, BLOCKS(to));
  c->groups = (BLOCKS(to) + c->group - 1) / c->group;
  c->block = block_of(c->all.tiles, (BLOCKS(from) + c->group) * LANES, FORWARD_STEP);
  c->blocks = (c->all.tiles + c->block - 1) / c->block;
  c->input_layout = layout_of(c->block, from);
  c->output_layout = layout_of(c->block, c->group * LANES);
  c->filter_point = (c->group * from + 1) * LANES;
  c->filter_group = c->filter_point * POINTS;
  c->space = c->input_layout.size + c->output_layout.size;
  const long zeros = BLOCKS(from) * LANES, filters = c->groups * c->filter_group;
  c->zeros = aligned(scratch);
  c->filters = c->zeros + zeros;
  c->spaces = c->filters + filters;
  return 16 + zeros + filters + threads * c->space;
}

/* LANES input channels of a block of output channels' filters, transposed so that output channels lie side by side. */
static void read_filters(const convolution *c, long to, int to_count, long from, int from_count,
                         float values[FILTER * FILTER][LANES][LANES]) {
  for (int k = 0; k < FILTER * FILTER; k++) {
    const float *at = c->weights + k / FILTER * c->stride_row + k % FILTER * c->stride_column + to * c->stride_to +
                      from * c->stride_from;
    for (int j = 0; j < to_count; j++)
      for (int i = 0; i < from_count; i++) values[k][i][j] = at[j * c->stride_to + i * c->stride_from];
  }
}

static void transform_filters(void *task, long begin, long end, int thread) {
  const convolution *c = task;
  float values[FILTER * FILTER][LANES][LANES] = {0};
  const float *at[FILTER * FILTER];
  (void)thread;
  for (int k = 0; k < FILTER * FILTER; k++) at[k] = values[k][0];
  for (long item = begin; item < end; item++) {
    const long block = item / BLOCKS(c->from), from = item % BLOCKS(c->from) * LANES;
    const long in_group = block % c->group, blocks = smaller(c->group, BLOCKS(c->to) - block / c->group * c->group);
    const long pair = in_group / VECTORS * VECTORS, vectors = smaller(VECTORS, blocks - pair);
    const int to_count = (int)smaller(LANES, c->to - block * LANES), from_count = (int)smaller(LANES, c->from - from);
    float *to = c->filters + block / c->group * c->filter_group + pair * c->from * LANES +
                (from * vectors + in_group - pair) * LANES;
    read_filters(c, block * LANES, to_count, from, from_count, values);
    for (int i = 0; i < from_count; i++, to += vectors * LANES) {
      vec half[PATCH][FILTER], out[PATCH];
      filter_columns(at, i * LANES, LANES, half);
      for (int row = 0; row < PATCH; row++) {
        filter_line(half[row], out);
        for (int column = 0; column < PATCH; column++)
          store_float(to + (row * PATCH + column) * c->filter_point, out[column]);
      }
    }
  }
}

static void convolve_blocks(void *task, long begin, long end, int thread) {
  const convolution *c = task;
  float *in = c->spaces + thread * c->space, *out = in + c->input_layout.size;
  for (long item = begin; item < end; item++) {
    const long group = item / c->blocks, first = group * c->group * LANES;
    const long channels = smaller(c->group * LANES, c->to - first);
    const long tile = item % c->blocks * c->block, tiles = smaller(c->block, c->all.tiles - tile);
    transform_inputs(&c->all, tile, tile + tiles, c->input, c->from, 0, c->from, c->zeros, in, c->input_layout);
    for (int i = 0; i < POINTS; i++)
      multiply_tiles(tiles, c->from, BLOCKS(channels), in + i * c->input_layout.point, c->input_layout.block,
                     c->filters + group * c->filter_group + i * c->filter_point, out + i * c->output_layout.point,
                     c->output_layout.block);
    transform_outputs(&c->all, tile, tile + tiles, out, c->output_layout, c->bias, c->output, c->to, first, channels);
  }
}

static void convolve(convolution *c, int threads) {
  memset(c->zeros, 0, sizeof(float) * (size_t)(c->filters - c->zeros));
  parallel(threads, BLOCKS(c->to) * BLOCKS(c->from), transform_filters, c);
  parallel(threads, c->groups * c->blocks, convolve_blocks, c);
}

/* Floats of scratch for the forward pass; for the input's gradient with the numbers of channels swapped. */
EXPORT long NAME(overfitlab_winograd_scratch)(long images, long height, long width, long from, long to, int threads) {
  convolution c;
  return plan_convolution(&c, images, height, width, from, to, threads, NULL);
}

EXPORT void NAME(overfitlab_winograd_forward)(const float *input, const float *weights, const long strides[4],
                                       const float *bias, float *output, long images, long height, long width,
                                       long from, long to, int threads, float *scratch) {
  convolution c = {.input = input, .weights = weights, .bias = bias, .output = output,
                   .stride_to = strides[0], .stride_from = strides[1], .stride_row = strides[2],
                   .stride_column = strides[3]};
  plan_convolution(&c, images, height, width, from, to, threads, scratch);
  convolve(&c, threads);
}

EXPORT void NAME(overfitlab_winograd_input_gradient)(const float *gradient, const float *weights, const long strides[4],
                                              float *input_gradient, long images, long height, long width, long from,
                                              long to, int threads, float *scratch) {
  convolution c = {.input = gradient, .weights = weights + (FILTER - 1) * (strides[2] + strides[3]),
                   .output = input_gradient, .stride_to = strides[1], .stride_from = strides[0],
                   .stride_row = -strides[2], .stride_column = -strides[3]};
  plan_convolution(&c, images, height, width, to, from, threads, scratch);
  convolve(&c, threads);
}

/* The weights' gradient: the sums are over tiles. */

typedef struct {
  grid all;
  const float *input, *gradient;
  float *weights;
  long from, to;
  long stride_to, stride_from, stride_row, stride_column;
  long from_group, from_groups, to_group, to_groups; /* blocks of channels at once */
  long chunks, block;                                /* sums; tiles at once */
  layout from_layout, to_layout;
  long sum_point, sum, space;
  float *zeros, *sums, *spaces;
} weight_gradient;

static long plan_weight_gradient(weight_gradient *g, long images, long height, long width, long from, long to,
                                 int threads, float *scratch) {
  g->all = grid_of(images, height, width);
  g->from = from, g->to = to;
  g->from_group = smaller(GROUP, BLOCKS(from)), g->to_group = smaller(GROUP, BLOCKS(to));
  g->from_groups = (BLOCKS(from) + g->from_group - 1) / g->from_group;
  g->to_groups = (BLOCKS(to) + g->to_group - 1) / g->to_group;
  for (g->chunks = 1; g->chunks < CHUNKS && g->all.tiles >= 2 * g->chunks * CHUNK_TILES;) g->chunks *= 2;
  g->block = block_of(g->all.tiles, (g->from_group + g->to_group) * LANES, GRADIENT_STEP);
  g->from_layout = layout_of(g->block, g->from_group * LANES);
  g->to_layout = layout_of(g->block, g->to_group * LANES);
  g->sum_point = (g->from_group * g->to_group * LANES + 1) * LANES;
  g->sum = g->sum_point * POINTS;
  g->space = g->from_layout.size + g->to_layout.size;
  const long zeros = (BLOCKS(from) + BLOCKS(to)) * LANES, sums = g->chunks * g->from_groups * g->to_groups * g->sum;
  g->zeros = aligned(scratch);
  g->sums = g->zeros + zeros;
  g->spaces = g->sums + sums;
  return 16 + zeros + sums + threads * g->space;
}

/* An item is a chunk of the tiles and a group each of input and output channels. */
static void sum_products(void *task, long begin, long end, int thread) {
  const weight_gradient *g = task;
  float *in = g->spaces + thread * g->space, *out = in + g->from_layout.size;
  for (long item = begin; item < end; item++) {
    const long groups = g->from_groups * g->to_groups, chunk = item / groups;
    const long from = item % groups / g->to_groups * g->from_group, to = item % g->to_groups * g->to_group;
    const long from_blocks = smaller(g->from_group, BLOCKS(g->from) - from);
    const long to_blocks = smaller(g->to_group, BLOCKS(g->to) - to);
    const long from_channels = smaller(from_blocks * LANES, g->from - from * LANES);
    const long to_channels = smaller(to_blocks * LANES, g->to - to * LANES);
    const long start = g->all.tiles * chunk / g->chunks, stop = g->all.tiles * (chunk + 1) / g->chunks;
    for (long tile = start; tile < stop; tile += g->block) {
      const long tiles = smaller(g->block, stop - tile);
      transform_inputs(&g->all, tile, tile + tiles, g->input, g->from, from * LANES, from_channels, g->zeros, in,
                       g->from_layout);
      transform_output_gradients(&g->all, tile, tile + tiles, g->gradient, g->to, to * LANES, to_channels, g->zeros,
                                 out, g->to_layout);
      for (int i = 0; i < POINTS; i++)
        multiply_channels(tiles, to_blocks, out + i * g->to_layout.point, g->to_layout.block, from_blocks,
                          in + i * g->from_layout.point, g->from_layout.block,
                          g->sums + item * g->sum + i * g->sum_point, tile == start);
    }
  }
}

/* An item is an output channel. */
static void transform_sums(void *task, long begin, long end, int thread) {
  const weight_gradient *g = task;
  (void)thread;
  for (long channel = begin; channel < end; channel++)
    for (long from = 0; from < BLOCKS(g->from); from++) {
      const long group = from / g->from_group, to_group = channel / (g->to_group * LANES);
      const long from_blocks = smaller(g->from_group, BLOCKS(g->from) - group * g->from_group);
      const float *at[POINTS], *sums = g->sums + (group * g->to_groups + to_group) * g->sum +
                         (channel % (g->to_group * LANES) * from_blocks + from % g->from_group) * LANES;
      float total[POINTS][LANES];
      for (int i = 0; i < POINTS; i++) {
        vec sum = load_float(sums + i * g->sum_point);
        for (long chunk = 1; chunk < g->chunks; chunk++)
          sum += load_float(sums + chunk * g->from_groups * g->to_groups * g->sum + i * g->sum_point);
        store_float(total[i], sum);
        at[i] = total[i];
      }
      const int count = (int)smaller(LANES, g->from - from * LANES);
      vec half[FILTER][PATCH], out[FILTER];
      filter_gradient_columns(at, 0, LANES, half);
      for (int row = 0; row < FILTER; row++) {
        filter_gradient_line(half[row], out);
        for (int column = 0; column < FILTER; column++) {
          float *to = g->weights + channel * g->stride_to + from * LANES * g->stride_from + row * g->stride_row +
                      column * g->stride_column;
          if (g->stride_from == 1)
            store_some(to, out[column], count);
          else
            for (int lane = 0; lane < count; lane++) to[lane * g->stride_from] = out[column][lane];
        }
      }
    }
}

/* Floats of scratch for the weights' gradient. */
EXPORT long NAME(overfitlab_winograd_weight_scratch)(long images, long height, long width, long from, long to, int threads) {
  weight_gradient g;
  return plan_weight_gradient(&g, images, height, width, from, to, threads, NULL);
}

EXPORT void NAME(overfitlab_winograd_weight_gradient)(const float *input, const float *gradient, float *weights,
                                               const long strides[4], long images, long height, long width, long from,
                                               long to, int threads, float *scratch) {
  weight_gradient g = {.input = input, .gradient = gradient, .weights = weights, .stride_to = strides[0],
                       .stride_from = strides[1], .stride_row = strides[2], .stride_column = strides[3]};
  plan_weight_gradient(&g, images, height, width, from, to, threads, scratch);
  memset(g.zeros, 0, sizeof(float) * (size_t)(g.sums - g.zeros));
  parallel(threads, g.chunks * g.from_groups * g.to_groups, sum_products, &g);
  parallel(threads, to, transform_sums, &g);
}

#endif
