// The whole wasm interface, in the order of the pipeline.
export { alloc, mark, reset } from "./arena";
export { expf, logf } from "./math";
export { addLogs, addPowers, addValues, allFinite, narrow, prepareColumns, sortFloats } from "./columns";
export {
  addMoments,
  momentScratch,
  momentSize,
  solveRidge,
  squaredError,
  subtractMoments,
  workingResponse,
} from "./linear";
export {
  activePlanes,
  advance,
  begin,
  dropPlan,
  evaluate,
  evaluateNetworks,
  evaluateCentre,
  feed,
  gradients,
  lossOf,
  lossRowsOf,
  meanLoss,
  rateAt,
  refresh,
  refreshTiles,
  setData,
  setNetworks,
  slabG,
  slabW,
  start,
} from "./train";
export { shuffle, seed } from "./random";
export { addBins, farthest, residuals, takeColumn } from "./relevance";
export { planModel, predictMany, predictOne, sensitivityMany } from "./predict-pruned";
