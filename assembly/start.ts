// Where a member's training starts: hyperplanes around the linear fit.

import { expf, logf, logit } from "./math";
import { nextBelow, nextNormal, nextUniform, seed } from "./random";
import { columns, d, dp, g, level, levelScale, moments, planes, refresh, signs, w, x } from "./trainer";

/**
 * Start at the linear fit `centre` ([d + 1] float32, bias last): network 0 is the plane when `withPlane`, and gets half of it; every other
 * hyperplane gets the (half) centre with log-normal noise, its bias such that it meets the centre at a random training row. `spread`: sd of
 * that noise. `rowsAt`, `count`: training rows. `stream`: the member. Planes [first, last): all of them in turn, nothing else in between.
 */
export function start(
  seedValue: i32,
  stream: i32,
  centre: usize,
  withPlane: i32,
  spread: f32,
  rowsAt: usize,
  count: i32,
  first: i32,
  last: i32,
): void {
  if (first == 0) {
    seed(<u32>seedValue, <u32>stream);
    memory.fill(moments, 0, (<usize>(planes * dp)) << 3);
    memory.fill(g, 0, (<usize>(planes * dp)) << 2);
  }
  const share: f32 = withPlane ? 0.5 : 1;
  for (let p = first; p < last; p++) {
    const to = w + ((<usize>(p * dp)) << 2);
    if (withPlane && p == 0) {
      for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
        const w0 = load<f32>(centre + i) * share;
        store<f32>(to + i, load<f32>(signs + i) == 0 ? w0 : logf(max(abs(w0), <f32>0.005)));
      }
      store<f32>(to + ((<usize>d) << 2), load<f32>(centre + ((<usize>d) << 2)) * share);
      continue;
    }
    const row = load<u32>(rowsAt + ((<usize>nextBelow(<u32>count)) << 2));
    const values = x + ((<usize>row * <usize>columns) << 2);
    const tau = level ? logit(nextUniform()) * levelScale : 0;
    let target = load<f32>(centre + ((<usize>d) << 2)) * share;
    let own: f32 = 0;
    for (let i = 0; i < d; i++) {
      const place = (<usize>i) << 2;
      const w0 = load<f32>(centre + place);
      const sign = load<f32>(signs + place);
      const value = i < columns ? load<f32>(values + place) : tau;
      const noise = nextNormal();
      let weight: f32;
      if (sign == 0) {
        weight = (w0 + spread * <f32>0.5 * (<f32>0.1 + abs(w0)) * noise) * share;
        store<f32>(to + place, weight);
      } else {
        const logWeight = logf(max(abs(w0), <f32>0.02) * share) + spread * noise;
        store<f32>(to + place, logWeight);
        weight = sign * expf(logWeight);
      }
      target += w0 * share * value;
      own += weight * value;
    }
    store<f32>(to + ((<usize>d) << 2), target - own + <f32>0.1 * nextNormal());
  }
  if (last == planes) refresh();
}
