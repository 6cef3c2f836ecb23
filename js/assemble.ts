// From trained members to one model. In: weights [planes][dp] a member, the linear centres, the blend. Out: networks of plain numbers.
// The average of members is again a sum of networks; their planes (1x1 networks) and the linear part of the blend add up to one plane.
// A network's bounds are constant hyperplanes: of a group by itself, which caps the least of the groups, and of every other group.
// Folded in float64 and rounded once: every term of a weight has the sign of its constraint, so the sum has it too.

import type { Bounds } from "./bounds.js";

/** `a` in [0, 1]: weight of the networks, 1 - a the weight of the linear fit. */
export function foldMembers(
  members: { weights: Float32Array; centre: Float64Array; bounds?: Bounds }[],
  shapes: [number, number][],
  factors: number[],
  d: number,
  dp: number,
  a: number,
): number[][][][] {
  const share = 1 / members.length;
  const plane = new Float64Array(d + 1);
  let anyPlane = false;
  const networks: number[][][][] = [];
  const constant = (value: number) => [...new Array<number>(d).fill(0), Math.fround(value)];
  for (const { weights, centre, bounds } of members) {
    if (a < 1) {
      anyPlane = true;
      for (let i = 0; i <= d; i++) plane[i] += (1 - a) * share * centre[i];
    }
    if (a === 0) continue;
    let at = 0;
    shapes.forEach(([groups, hyperplanes], m) => {
      const c = a * share * factors[m];
      if (groups === 1 && hyperplanes === 1) {
        anyPlane = true;
        for (let i = 0; i <= d; i++) plane[i] += c * weights[at + i];
        at += dp;
        return;
      }
      const network: number[][][] = [];
      for (let k = 0; k < groups; k++) {
        const group: number[][] = [];
        for (let j = 0; j < hyperplanes; j++) {
          group.push(Array.from({ length: d + 1 }, (_, i) => Math.fround(c * weights[at + i])));
          at += dp;
        }
        if (bounds && bounds.low[m] > Number.NEGATIVE_INFINITY) group.push(constant(a * share * bounds.low[m]));
        network.push(group);
      }
      if (bounds && bounds.high[m] < Number.POSITIVE_INFINITY) network.push([constant(a * share * bounds.high[m])]);
      networks.push(network);
    });
  }
  if (anyPlane) networks.unshift([[Array.from(plane, Math.fround)]]);
  return networks;
}
