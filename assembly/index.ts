// The whole wasm interface, in the order of the pipeline.
export { alloc, mark, reset } from "./arena";
export { expf, logf, logistic, logit } from "./math";
export { prepareRows } from "./inputs";
export { addMoments, solveRidge, squaredError, subtractMoments, workingResponse } from "./linear";
export {
  activePlanes,
  advance,
  begin,
  dropPlan,
  evaluate,
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
export { planModel, predictMany, predictOne, sensitivityMany } from "./predict-pruned";
