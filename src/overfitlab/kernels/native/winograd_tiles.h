/* Between tensors, whose channels lie side by side, and tiles: edges are padded with zeros and cut. */

#ifndef WINOGRAD_TILES_H
#define WINOGRAD_TILES_H

#include "winograd_transforms.h"

#define BLOCKS(channels) (((channels) + LANES - 1) / LANES)

typedef struct {
  long height, width, down, across, tiles; /* of an image; its tiles; those of all images */
} grid;

/* Where the values of transformed tiles lie: distances between blocks of LANES channels, and between points; in all. */
typedef struct {
  long block, point, size;
} layout;

/* The points of a block of channels are neighbours, because a tile's transform writes all of them: processors know few
   pages to write to at a time. A point's distance is one vector longer than needed: were it a multiple of 4096 bytes,
   all points of a tile would compete for the same few lines of the first-level cache. */
static layout layout_of(long tiles, long channels) {
  const long point = (tiles + 1) * LANES;
  return (layout){POINTS * point, point, BLOCKS(channels) * POINTS * point};
}

static grid grid_of(long images, long height, long width) {
  const long down = (height + TILE - 1) / TILE, across = (width + TILE - 1) / TILE;
  return (grid){height, width, down, across, images * down * across};
}

/* Pointers to the `size` by `size` values of a tile that starts `before` rows and columns before its outputs; to
   `zeros` where that is outside of the image. */
INLINE void find_values(const grid *all, long tile, int size, int before, const float *tensor, long channels,
                        const float *zeros, const float *at[]) {
  const long image = tile / (all->down * all->across), inside = tile % (all->down * all->across);
  const long top = inside / all->across * TILE - before, left = inside % all->across * TILE - before;
  for (int i = 0; i < size; i++) {
    const long row = top + i, start = ((image * all->height + row) * all->width + left) * channels;
    const int in_rows = row >= 0 && row < all->height;
    for (int j = 0; j < size; j++) {
      const int inside_image = in_rows && left + j >= 0 && left + j < all->width;
      at[i * size + j] = inside_image ? tensor + start + j * channels : zeros;
    }
  }
}

INLINE void transform_input(const float *const at[], long channel, int count, float *to, long point) {
  vec half[PATCH][PATCH], out[PATCH];
  input_columns(at, channel, count, half);
  for (int row = 0; row < PATCH; row++) {
    input_line(half[row], out);
    for (int column = 0; column < PATCH; column++) store_float(to + (row * PATCH + column) * point, out[column]);
  }
}

INLINE void transform_output_gradient(const float *const at[], long channel, int count, float *to, long point) {
  vec half[PATCH][TILE], out[PATCH];
  output_gradient_columns(at, channel, count, half);
  for (int row = 0; row < PATCH; row++) {
    output_gradient_line(half[row], out);
    for (int column = 0; column < PATCH; column++) store_float(to + (row * PATCH + column) * point, out[column]);
  }
}

/* `channels` of the tensor's channels, from `first` on, of the tiles `begin` to `end` - 1. */
#define TRANSFORM_TILES(name, transform, size, before)                                                          \
  static void name(const grid *all, long begin, long end, const float *tensor, long all_channels, long first,   \
                   long channels, const float *zeros, float *to, layout lay) {                                  \
    for (long tile = begin; tile < end; tile++, to += LANES) {                                                  \
      const float *at[(size) * (size)];                                                                         \
      find_values(all, tile, size, before, tensor, all_channels, zeros, at);                                    \
      long channel = 0;                                                                                         \
      for (; channel + LANES <= channels; channel += LANES)                                                     \
        transform(at, first + channel, LANES, to + channel / LANES * lay.block, lay.point);                     \
      if (channel < channels)                                                                                   \
        transform(at, first + channel, (int)(channels - channel), to + channel / LANES * lay.block, lay.point); \
    }                                                                                                           \
  }

TRANSFORM_TILES(transform_inputs, transform_input, PATCH, 1)
TRANSFORM_TILES(transform_output_gradients, transform_output_gradient, TILE, 0)

#undef TRANSFORM_TILES

/* One tile's LANES channels to `to`, which lies at the tile's first output; `count` of them are there. */
INLINE void transform_output(const float *const at[], long offset, vec bias, float *to, long row_stride,
                             long column_stride, int rows, int columns, int count) {
  vec half[TILE][PATCH], out[TILE];
  output_columns(at, offset, LANES, half);
  if (rows == TILE && columns == TILE && count == LANES)
    for (int row = 0; row < TILE; row++) {
      output_line(half[row], out);
      for (int column = 0; column < TILE; column++)
        store_float(to + row * row_stride + column * column_stride, out[column] + bias);
    }
  else
    for (int row = 0; row < rows; row++) {
      output_line(half[row], out);
      for (int column = 0; column < columns; column++)
        store_some(to + row * row_stride + column * column_stride, out[column] + bias, count);
    }
}

/* `channels` of the output's channels, from `first` on, of the tiles `begin` to `end` - 1. */
static void transform_outputs(const grid *all, long begin, long end, const float *from, layout lay, const float *bias,
                              float *tensor, long all_channels, long first, long channels) {
  const float *at[POINTS];
  for (int i = 0; i < POINTS; i++) at[i] = from + i * lay.point;
  for (long tile = begin; tile < end; tile++) {
    const long image = tile / (all->down * all->across), inside = tile % (all->down * all->across);
    const long top = inside / all->across * TILE, left = inside % all->across * TILE;
    const int rows = all->height - top < TILE ? (int)(all->height - top) : TILE;
    const int columns = all->width - left < TILE ? (int)(all->width - left) : TILE;
    float *to = tensor + ((image * all->height + top) * all->width + left) * all_channels + first;
    for (long channel = 0; channel < channels; channel += LANES) {
      const int count = channels - channel < LANES ? (int)(channels - channel) : LANES;
      const vec add = bias == NULL ? (vec){0} : load_lanes(bias + first + channel, count);
      transform_output(at, (tile - begin) * LANES + channel / LANES * lay.block, add, to + channel,
                       all->width * all_channels, all_channels, rows, columns, count);
    }
  }
}

#endif
