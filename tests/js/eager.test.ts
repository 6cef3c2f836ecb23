// Functions in parentheses, which the build makes of those that a start calls: only these, and the code does as before.
import { describe, expect, test } from "vitest";
import { inParentheses } from "../../scripts/eager.mjs";

const long = "a number that is long enough to be worth a function";

const CASES: [string, string, string][] = [
  ["a function", `function f(a, b = 2) { return a + b }`, `var f=(function(a,b = 2){ return a + b });`],
  ["an arrow function", `const f = (a) => a + "${long}";`, `const f = (function(a){return a + "${long}"});`],
  [
    "one that gives an object",
    `const f = () => ({ a: "${long}" });`,
    `const f = (function(){return ({ a: "${long}" })});`,
  ],
  [
    "one with a block",
    `const f = ({ a }) => { return a ?? "${long}" };`,
    `const f = (function({ a }){ return a ?? "${long}" });`,
  ],
  [
    "one within another",
    `const f = (a) => (b) => a + b + "${long}";`,
    `const f = (function(a){return (function(b){return a + b + "${long}"})});`,
  ],
  ["a method of an object", `const f = { g(a) { return a } };`, `const f = { g:(function(a){ return a }) };`],
];

/** Things that must stay. */
const KEPT: [string, string][] = [
  ["a short arrow function", "const f = (a) => a + 1;"],
  ["a comment before all, and what comes after", "// of f\nlet f = 1;\n// the end\n"],
  ["an arrow function that means another's this", `class A { f() { return () => this.x + "${long}" } }`],
  ["an arrow function that means another's arguments", `class A { f() { return () => arguments[0] + "${long}" } }`],
  ["an asynchronous function", `async function f(a) { return a } const g = async (a) => a + "${long}";`],
  ["a generator", "function* f(a) { yield a } const g = { *h() { yield 1 } };"],
  ["a method of a class, and one that is got", "class A { f(a) { return a } get g() { return 1 } }"],
  ["a function within another", "if (1) { function f(a) { return a } }"],
];

describe("functions that a start calls", () => {
  test.each(CASES)("stand in parentheses: %s", (_, code, expected) => {
    expect(inParentheses(code, () => true)).toBe(expected);
  });

  test.each(KEPT)("stay as they are: %s", (_, code) => {
    expect(inParentheses(code, () => true)).toBe(code);
  });

  test("are those at the given places and no others", () => {
    const code = `function f(a) { return a } function g(a) { return a }`;
    const second = `${code.indexOf("function g")}-${code.length}`;
    expect(inParentheses(code, (place: string) => place === second)).toBe(
      "function f(a) { return a } var g=(function(a){ return a });",
    );
    expect(inParentheses(code, () => false)).toBe(code);
  });

  test("do as before", () => {
    const code = `const c = 3; function f(a, b = c) { const g = (x) => { const y = x * b; return y > ${long.length} ? [y] : { y } }; return g(a) }`;
    const run = (text: string) => new Function(`${text}; return [f(2), f(20, 5), f(-1)];`)();
    expect(run(inParentheses(code, () => true))).toEqual(run(code));
  });
});
