// Public names only.

export {
  type AnyPredictor,
  type Audit,
  type AuditOptions,
  audit,
  type Constraints,
  type FeatureAudit,
  type PairAudit,
} from "./audit.js";
export type { Certificate, Violation } from "./certify.js";
export {
  type CrossValidateOptions,
  type CrossValidation,
  crossValidate,
  type Direction,
  type FoldScores,
} from "./crossval.js";
export { interactions, type PartialDependence, partialDependence, surface } from "./dependence.js";
export { ModelFormatError } from "./errors.js";
export { fit } from "./fit.js";
export type { CvScores } from "./foldscores.js";
export { stringifyModel } from "./format.js";
export { alphaCurves, permutationImportance } from "./importance.js";
export type { MergeOptions } from "./merge.js";
export { type Explanation, type ExplanationOfMany, load, type Model, merge } from "./model.js";
export type { AnyRows, Columns, Row, Rows } from "./rows.js";
export type { Batches } from "./sample.js";
export { mergeScalings, type ScalingFile, scan } from "./scan.js";
export type { FeatureOption, FitOptions, Progress } from "./schema.js";
export { type FeatureSensitivity, type SensitivitySummary, sensitivitySummary } from "./sensitivity.js";
export type { Constraint, Feature, Input, Link, Loss, ModelData, Scores, TrainingReport } from "./types.js";
export { VERSION as version } from "./version.js";
