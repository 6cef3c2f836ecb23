// Turns of the event loop, in hosts that differ in what they have for it.
import { afterEach, expect, test, vi } from "vitest";
import { paced, turn } from "../../js/turn.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  ["setImmediate", []],
  ["messages", ["setImmediate"]],
  ["timers", ["setImmediate", "MessageChannel"]],
] as const)("lets what waits go first, by %s", async (_, absent) => {
  for (const name of absent) vi.stubGlobal(name, undefined);
  const order: string[] = [];
  setTimeout(() => order.push("a timer"), 0);
  await Promise.resolve().then(() => order.push("a promise"));
  for (let k = 0; k < 200 && order.length < 2; k++) await turn();
  expect(order).toEqual(["a promise", "a timer"]);
});

test("asks no timer where there are messages: a tab in the background gets timers once a second", async () => {
  vi.stubGlobal("setImmediate", undefined);
  const timer = vi.fn();
  vi.stubGlobal("setTimeout", timer);
  await turn();
  expect(timer).not.toHaveBeenCalled();
});

test("work is paced: a pause once what was done costs so much, none before", async () => {
  const pause = vi.fn(async () => {});
  const breathe = paced(pause, 10);
  expect(breathe(4)).toBeUndefined();
  expect(breathe(5)).toBeUndefined();
  expect(breathe(1)).toBeInstanceOf(Promise);
  expect(pause).toHaveBeenCalledTimes(1);
  expect(breathe(9)).toBeUndefined();
  await breathe(100);
  expect(pause).toHaveBeenCalledTimes(2);
});
