/* The fused kernels for one target and one kind of element (elements.h).

   A piece of work is a band of an image's rows, small enough for the first-level cache. Within it each block of
   channels is done for all pixels, so that what belongs to a channel stays in registers. */

INLINE void EACH(find_piece)(const task *all, long piece, int64_t *image, int64_t *first, int64_t *last) {
  *image = piece / all->bands;
  *first = piece % all->bands * all->rows;
  *last = *first + all->rows < all->call->height ? *first + all->rows : all->call->height;
}

/* Sums in float32 are those of at most a few hundred numbers, in four rows; they are added up in float64 elsewhere. */
INLINE void EACH(moments_of)(const ELEMENT *x, int64_t pixels, int64_t channels, float *mean, int count) {
  vec sum[4] = {{0}};
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4)
    for (int k = 0; k < 4; k++) sum[k] += load(x + (p + k) * channels, count);
  for (; p < pixels; p++) sum[0] += load(x + p * channels, count);
  const vec average = (sum[0] + sum[1] + (sum[2] + sum[3])) / (float)pixels;
  vec squares[4] = {{0}};
  for (p = 0; p + 4 <= pixels; p += 4)
    for (int k = 0; k < 4; k++) {
      const vec centered = load(x + (p + k) * channels, count) - average;
      squares[k] += centered * centered;
    }
  for (; p < pixels; p++) {
    const vec centered = load(x + p * channels, count) - average;
    squares[0] += centered * centered;
  }
  store_float32(mean, average, count);
  store_float32(mean + channels, squares[0] + squares[1] + (squares[2] + squares[3]), count);
}

static void EACH(moments)(void *argument, long begin, long end, int thread) {
  const task *all = argument;
  const int64_t channels = all->call->channels, width = all->call->width;
  (void)thread;
  for (long piece = begin; piece < end; piece++) {
    int64_t image, first, last;
    EACH(find_piece)(all, piece, &image, &first, &last);
    const ELEMENT *x = (const ELEMENT *)all->x + (image * all->call->height + first) * width * channels;
    float *partial = all->partial + piece * 2 * channels;
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES)
      EACH(moments_of)(x + c, (last - first) * width, channels, partial + c, LANES);
    if (c < channels) EACH(moments_of)(x + c, (last - first) * width, channels, partial + c, (int)(channels - c));
  }
}

/* What is done after the normalization, in local variables: stores of bytes may change anything else, as far as a
   compiler knows, so that it would read the task again for every vector. */
typedef struct {
  ELEMENT *restrict y;
  uint8_t *restrict winners;
  const uint16_t *restrict levels;
  vec scale;
  int32_t dropped;
  int relu, by_element;
} EACH(ending);

INLINE EACH(ending) EACH(ending_of)(const task *all) {
  const fused *call = all->call;
  return (EACH(ending)){all->y,        all->winners, all->levels, splat(call->scale), (int32_t)call->dropped,
                        call->relu, call->dropout == ELEMENTS};
}

/* From the normalized elements z of a window to its output: the largest, ReLU, dropout. Those that are not numbers stay
   so, as in PyTorch, and among equals the first one wins. `channel` is its place among those of all images. */
INLINE void EACH(finish)(const EACH(ending) end, const vec *z, int elements, int64_t out, int64_t channel, int count) {
  vec largest = z[0];
  ivec winner = {0};
  for (int k = 1; k < elements; k++) {
    const ivec better = (z[k] > largest) | (z[k] != z[k]);
    largest = choose(better, z[k], largest);
    winner = (better & k) | (~better & winner);
  }
  if (end.relu) {
    const ivec off = largest <= (vec){0};
    largest = choose(off, (vec){0}, largest);
    winner = (off & NOBODY) | (~off & winner);
  }
  if (end.levels != NULL) {
    const ivec off = load_halves(end.levels + (end.by_element ? out : channel), count) < end.dropped;
    largest = choose(off, (vec){0}, largest * end.scale);
    winner = (off & NOBODY) | (~off & winner);
  }
  store(end.y + out, largest, count);
  if (end.winners != NULL) store_bytes(end.winners + out, winner, count);
}

INLINE void EACH(apply_block)(const task *all, int64_t image, int64_t first, int64_t last, int64_t c, int count) {
  const fused *call = all->call;
  const int64_t channels = call->channels, width = call->width, height = call->height, channel = image * channels + c;
  const int64_t table = call->kind == GROUP ? channel : c;
  const vec factor = load_float32(all->factor + table, count), offset = load_float32(all->offset + table, count);
  /* subtracted first: where it is large beside the spread, x * factor alone would lose what matters */
  const vec center = load_float32(all->center + table, count);
  const ELEMENT *restrict x = (const ELEMENT *)all->x + image * height * width * channels + c;
  const EACH(ending) end = EACH(ending_of)(all);
  vec z[4];
  if (!call->pool) {
    for (int64_t p = first * width; p < last * width; p++) {
      z[0] = (load(x + p * channels, count) - center) * factor + offset;
      EACH(finish)(end, z, 1, (image * height * width + p) * channels + c, channel, count);
    }
    return;
  }
  const int64_t down = (height + 1) / 2, across = (width + 1) / 2;
  for (int64_t row = first; row < last; row += 2)
    for (int64_t column = 0; column < width; column += 2) {
      const int64_t out = ((image * down + row / 2) * across + column / 2) * channels + c;
      const ELEMENT *restrict corner = x + (row * width + column) * channels;
      const int64_t below = row + 1 < height ? width * channels : 0, beside = column + 1 < width ? channels : 0;
      /* at an odd edge an element stands for the missing one too: it comes first, so it wins */
      z[0] = (load(corner, count) - center) * factor + offset;
      z[1] = (load(corner + beside, count) - center) * factor + offset;
      z[2] = (load(corner + below, count) - center) * factor + offset;
      z[3] = (load(corner + below + beside, count) - center) * factor + offset;
      EACH(finish)(end, z, 4, out, channel, count);
    }
}

static void EACH(apply)(void *argument, long begin, long end, int thread) {
  const task *all = argument;
  const int64_t channels = all->call->channels;
  (void)thread;
  for (long piece = begin; piece < end; piece++) {
    int64_t image, first, last, c = 0;
    EACH(find_piece)(all, piece, &image, &first, &last);
    for (; c + LANES <= channels; c += LANES) EACH(apply_block)(all, image, first, last, c, LANES);
    if (c < channels) EACH(apply_block)(all, image, first, last, c, (int)(channels - c));
  }
}

/* The gradient that reaches the winner of a window, zero where there is none. */
INLINE vec EACH(arriving)(const ELEMENT *gradient, ivec winner, vec scale, int count) {
  return choose(winner < NOBODY, load(gradient, count) * scale, (vec){0});
}

INLINE void EACH(sums_block)(const task *all, long piece, int64_t image, int64_t first, int64_t last, int64_t c,
                             int centered, int count) {
  const fused *call = all->call;
  const int64_t channels = call->channels, width = call->width, height = call->height;
  const int64_t table = (call->kind == GROUP ? image * channels : 0) + c;
  const vec mean = centered ? load_float32(all->center + table, count) : (vec){0}, scale = splat(call->scale);
  const ELEMENT *x = (const ELEMENT *)all->x + image * height * width * channels + c, *gradients = all->gradient;
  const uint8_t *winners = all->winners;
  vec sum = {0}, products = {0};
  if (!call->pool) {
    const int64_t start = image * height * width * channels + c;
    for (int64_t p = first * width; p < last * width; p++) {
      const int64_t out = start + p * channels;
      const vec gradient = EACH(arriving)(gradients + out, load_bytes(winners + out, count), scale, count);
      sum += gradient;
      if (centered) products += gradient * (load(x + p * channels, count) - mean);
    }
  } else {
    const int64_t down = (height + 1) / 2, across = (width + 1) / 2;
    for (int64_t row = first; row < last; row += 2)
      for (int64_t column = 0; column < width; column += 2) {
        const int64_t out = ((image * down + row / 2) * across + column / 2) * channels + c;
        const ivec winner = load_bytes(winners + out, count);
        const vec gradient = EACH(arriving)(gradients + out, winner, scale, count);
        sum += gradient;
        if (!centered) continue;
        const ELEMENT *corner = x + (row * width + column) * channels;
        const int64_t below = row + 1 < height ? width * channels : 0, beside = column + 1 < width ? channels : 0;
        vec chosen = load(corner, count);
        chosen = choose(winner == 1, load(corner + beside, count), chosen);
        chosen = choose(winner == 2, load(corner + below, count), chosen);
        chosen = choose(winner == 3, load(corner + below + beside, count), chosen);
        products += gradient * (chosen - mean);
      }
  }
  store_float32(all->partial + piece * 2 * channels + c, sum, count);
  store_float32(all->partial + (piece * 2 + 1) * channels + c, products, count);
}

static void EACH(sums)(void *argument, long begin, long end, int thread) {
  const task *all = argument;
  const int64_t channels = all->call->channels;
  const int centered = all->call->kind != AFFINE;
  (void)thread;
  for (long piece = begin; piece < end; piece++) {
    int64_t image, first, last, c = 0;
    EACH(find_piece)(all, piece, &image, &first, &last);
    for (; c + LANES <= channels; c += LANES)
      if (centered)
        EACH(sums_block)(all, piece, image, first, last, c, 1, LANES);
      else
        EACH(sums_block)(all, piece, image, first, last, c, 0, LANES);
    if (c < channels) EACH(sums_block)(all, piece, image, first, last, c, centered, (int)(channels - c));
  }
}

/* dx = factor * (gradient where it won) + slope * (x - mean) + offset; `statistics` where the last two are not zero. */
INLINE void EACH(differentiate_block)(const task *all, int64_t image, int64_t first, int64_t last, int64_t c,
                                      int statistics, int count) {
  const fused *call = all->call;
  const int64_t channels = call->channels, width = call->width, height = call->height;
  const int64_t table = (call->kind == GROUP ? image * channels : 0) + c;
  const vec factor = load_float32(all->factor + table, count);
  const vec slope = statistics ? load_float32(all->slope + table, count) : (vec){0};
  const vec offset = statistics ? load_float32(all->offset + table, count) : (vec){0};
  const vec center = statistics ? load_float32(all->center + table, count) : (vec){0};
  const int64_t start = image * height * width * channels + c;
  const ELEMENT *restrict x = (const ELEMENT *)all->x + start, *restrict gradients = all->gradient;
  const uint8_t *restrict winners = all->winners;
  ELEMENT *restrict dx = (ELEMENT *)all->dx + start;
  const vec scale = splat(call->scale);
#define BACK(at, value)                                                                                  \
  store(dx + (at),                                                                                       \
        statistics ? (load(x + (at), count) - center) * slope + ((value)*factor + offset) : (value)*factor, count)
  if (!call->pool) {
    for (int64_t p = first * width; p < last * width; p++) {
      const int64_t out = start + p * channels;
      BACK(p * channels, EACH(arriving)(gradients + out, load_bytes(winners + out, count), scale, count));
    }
    return;
  }
  const int64_t down = (height + 1) / 2, across = (width + 1) / 2;
  for (int64_t row = first; row < last; row += 2)
    for (int64_t column = 0; column < width; column += 2) {
      const int64_t out = ((image * down + row / 2) * across + column / 2) * channels + c;
      const ivec winner = load_bytes(winners + out, count);
      const vec gradient = EACH(arriving)(gradients + out, winner, scale, count);
      const int64_t corner = (row * width + column) * channels, below = width * channels;
      BACK(corner, choose(winner == 0, gradient, (vec){0}));
      if (column + 1 < width) BACK(corner + channels, choose(winner == 1, gradient, (vec){0}));
      if (row + 1 < height) {
        BACK(corner + below, choose(winner == 2, gradient, (vec){0}));
        if (column + 1 < width) BACK(corner + below + channels, choose(winner == 3, gradient, (vec){0}));
      }
    }
#undef BACK
}

static void EACH(differentiate)(void *argument, long begin, long end, int thread) {
  const task *all = argument;
  const int64_t channels = all->call->channels;
  const int statistics = all->call->kind != AFFINE;
  (void)thread;
  for (long piece = begin; piece < end; piece++) {
    int64_t image, first, last, c = 0;
    EACH(find_piece)(all, piece, &image, &first, &last);
    for (; c + LANES <= channels; c += LANES)
      if (statistics)
        EACH(differentiate_block)(all, image, first, last, c, 1, LANES);
      else
        EACH(differentiate_block)(all, image, first, last, c, 0, LANES);
    if (c < channels) EACH(differentiate_block)(all, image, first, last, c, statistics, (int)(channels - c));
  }
}
