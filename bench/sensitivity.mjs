// Every partial derivative of a batch of rows: see predict.mjs, which has the machinery.
import { sensitivity } from "./predict.mjs";

const only = process.argv.slice(2).filter((a) => /^[A-D]$/.test(a));
await sensitivity({ quick: process.argv.includes("--quick"), only: only.length ? only : undefined });
