/* Layer normalization over the channels of each pixel, with what follows it (fused_kernels.h); for one target and one
   kind of element. */

INLINE vec EACH(within)(vec value, int64_t c, int64_t channels) {
  if (c + LANES <= channels) return value;
  for (int k = 0; k < LANES; k++)
    if (c + k >= channels) value[k] = 0;
  return value;
}

INLINE int EACH(block)(int64_t c, int64_t channels) { return c + LANES <= channels ? LANES : (int)(channels - c); }

INLINE float EACH(added)(vec value) {
  float sum = 0;
  for (int k = 0; k < LANES; k++) sum += value[k];
  return sum;
}

static void EACH(pixel_moments)(const ELEMENT *x, int64_t channels, float epsilon, float *mean, float *rstd) {
  vec sum = {0}, squares = {0};
  for (int64_t c = 0; c < channels; c += LANES) sum += load(x + c, EACH(block)(c, channels));
  *mean = EACH(added)(sum) / (float)channels;
  for (int64_t c = 0; c < channels; c += LANES) {
    const vec centered = EACH(within)(load(x + c, EACH(block)(c, channels)) - splat(*mean), c, channels);
    squares += centered * centered;
  }
  *rstd = 1 / sqrtf(EACH(added)(squares) / (float)channels + epsilon);
}

static void EACH(layer_apply)(void *argument, long begin, long end, int thread) {
  const task *all = argument;
  const fused *call = all->call;
  const int64_t channels = call->channels, width = call->width, height = call->height;
  const int64_t down = call->pool ? (height + 1) / 2 : height, across = call->pool ? (width + 1) / 2 : width;
  const int step = call->pool ? 2 : 1;
  const EACH(ending) ending = EACH(ending_of)(all);
  const float *gammas = all->gamma, *betas = all->beta;
  (void)thread;
  for (long piece = begin; piece < end; piece++) {
    int64_t image, first, last;
    EACH(find_piece)(all, piece, &image, &first, &last);
    const ELEMENT *x = (const ELEMENT *)all->x + image * height * width * channels;
    float *mean = all->mean + image * height * width, *rstd = all->rstd + image * height * width;
    for (int64_t p = first * width; p < last * width; p++)
      EACH(pixel_moments)(x + p * channels, channels, call->epsilon, mean + p, rstd + p);
    for (int64_t row = first; row < last; row += step)
      for (int64_t column = 0; column < width; column += step) {
        const int64_t p = row * width + column;
        const int64_t below = row + 1 < height ? width : 0, beside = column + 1 < width ? 1 : 0;
        const int64_t window[4] = {p, p + beside, p + below, p + below + beside};
        const int64_t out = ((image * down + row / step) * across + column / step) * channels;
        for (int64_t c = 0; c < channels; c += LANES) {
          const int count = EACH(block)(c, channels);
          const vec gamma = load_float32(gammas + c, count), beta = load_float32(betas + c, count);
          vec z[4];
          for (int k = 0; k < step * step; k++) {
            const int64_t at = window[k];
            z[k] = (load(x + at * channels + c, count) - splat(mean[at])) * splat(rstd[at]) * gamma + beta;
          }
          if (step == 2)
            EACH(finish)(ending, z, 4, out + c, image * channels + c, count);
          else
            EACH(finish)(ending, z, 1, out + c, image * channels + c, count);
        }
      }
  }
}

/* dx = rstd * (d - mean(d) - x' * mean(d * x')), d = gradient * gamma, x' the normalized x, means over channels. */
static void EACH(layer_differentiate)(void *argument, long begin, long end, int thread) {
  const task *all = argument;
  const fused *call = all->call;
  const int64_t channels = call->channels, width = call->width, height = call->height;
  const int64_t down = call->pool ? (height + 1) / 2 : height, across = call->pool ? (width + 1) / 2 : width;
  const int step = call->pool ? 2 : 1;
  const ELEMENT *gradients = all->gradient;
  const uint8_t *winners = all->winners;
  const float *gammas = all->gamma;
  const vec scale = splat(call->scale);
  (void)thread;
  for (long piece = begin; piece < end; piece++) {
    int64_t image, first, last;
    EACH(find_piece)(all, piece, &image, &first, &last);
    float *restrict sums = all->partial + piece * 2 * channels, *restrict products = sums + channels;
    memset(sums, 0, sizeof(float) * 2 * (size_t)channels);
    for (int64_t row = first; row < last; row++)
      for (int64_t column = 0; column < width; column++) {
        const int64_t p = (image * height + row) * width + column;
        const int64_t out = ((image * down + row / step) * across + column / step) * channels;
        const int32_t place = step == 2 ? (int32_t)(row % 2 * 2 + column % 2) : 0;
        const ELEMENT *x = (const ELEMENT *)all->x + p * channels;
        ELEMENT *dx = (ELEMENT *)all->dx + p * channels;
        const vec mean = splat(all->mean[p]), rstd = splat(all->rstd[p]);
        vec first_sum = {0}, second_sum = {0};
        for (int64_t c = 0; c < channels; c += LANES) {
          const int count = EACH(block)(c, channels);
          const ivec winner = load_bytes(winners + out + c, count);
          const vec gradient = choose(winner == place, EACH(arriving)(gradients + out + c, winner, scale, count), (vec){0});
          const vec normalized = (load(x + c, count) - mean) * rstd;
          const vec d = gradient * load_float32(gammas + c, count);
          first_sum += d;
          second_sum += d * normalized;
          store_float32(sums + c, load_float32(sums + c, count) + gradient, count);
          store_float32(products + c, load_float32(products + c, count) + gradient * normalized, count);
        }
        const vec mean_d = splat(EACH(added)(first_sum) / (float)channels);
        const vec mean_product = splat(EACH(added)(second_sum) / (float)channels);
        for (int64_t c = 0; c < channels; c += LANES) {
          const int count = EACH(block)(c, channels);
          const ivec winner = load_bytes(winners + out + c, count);
          const vec gradient = choose(winner == place, EACH(arriving)(gradients + out + c, winner, scale, count), (vec){0});
          const vec normalized = (load(x + c, count) - mean) * rstd;
          const vec d = gradient * load_float32(gammas + c, count);
          store(dx + c, rstd * (d - mean_d - normalized * mean_product), count);
        }
      }
  }
}
