// The whole wasm interface, in the order of the pipeline.
export { alloc, mark, reset } from "./arena";
export { expf, logf } from "./math";
export { addLogs, addPowers, addValues, allFinite, narrow, prepareColumns, sortFloats } from "./columns";
export {
  addMoments,
  beginMoments,
  beginPart,
  beginRidge,
  momentScratch,
  momentSize,
  ridgeSize,
  solveRidge,
  squaredError,
  sumMoments,
  workingResponse,
} from "./linear";
export { beginDual, beginSolution, dualError, dualFit, dualSize, leaveOut, solveDual, takeRows } from "./dual";
export { activePlanes, dropPlan, refresh, refreshTiles, setData, setNetworks, slabG, slabW } from "./trainer";
export { start } from "./start";
export { rateAt } from "./rate";
export { advance, begin, feed, meanLoss } from "./steps";
export { evaluate, evaluateCentre, evaluateNetworks, gradients, lossOf, lossRowsOf } from "./evaluate";
export { shuffle, seed } from "./random";
export { addBins, farthest, residuals, takeColumn } from "./relevance";
export { planModel, predictMany, predictOne, sensitivityMany } from "./predict-pruned";
