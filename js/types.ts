// The model as plain data, and the words of the public API. The JSON file has these fields and no others: docs/model-format.md.

/** Direction in which the prediction may move with a feature. */
export type Constraint = "increasing" | "decreasing" | "free";

/** One column of the user's rows. */
export interface Feature {
  name: string;
  constraint: Constraint;
  kind: "number" | "category";
  /** Known categories, in the order of their codes. Only for kind "category". */
  categories?: readonly string[];
  /** The category that stands in for unknown ones; absent: an unknown category is an error. */
  unknown?: string;
  /** What a missing value means: an error, the training median (keeps the order), or a learned indicator (free features). */
  missing: "error" | "median" | "indicator";
  /** The number used in place of a missing one. */
  fill?: number;
  /** Least and greatest value of the training rows. */
  range?: readonly [number, number];
  /** Median of the training rows. */
  median?: number;
}

/** One numeric input of the networks: z = clamp((t - center) * scale, -50, 50) with t made from the feature. */
export interface Input {
  /** Index into features; -1 for the quantile level. */
  feature: number;
  transform: "linear" | "log1p" | "equals" | "missing" | "level";
  /** log1p: t = log(1 + value / divisor). */
  divisor?: number;
  /** equals: index into the feature's categories. */
  category?: number;
  center: number;
  scale: number;
}

export interface Loss {
  name: "squared" | "absolute" | "huber" | "poisson" | "gamma" | "logistic" | "quantiles";
  /** quantiles: the levels asked for, ascending, each in (0, 1). */
  levels?: number[];
  /** huber: where the loss turns linear, in standard deviations of the target. */
  delta?: number;
}

export type Link = { name: "identity" } | { name: "exp"; maximum: number } | { name: "logistic" };

/** How good the model is on rows that its members did not train on, beside two baselines. */
export interface Scores {
  /** Those of weight above 0. */
  rows: number;
  rmse: number;
  mae: number;
  r2: number;
  /**
   * Median of |prediction - target| / |target| over rows of weight above 0, each counted once, whose target is not 0: of targets of 0 and 1 it
   * says nothing of the zeros.
   */
  medianRelativeError: number;
}

export interface TrainingReport {
  seed: number;
  rows: number;
  /** Version of the library that trained the model. */
  isotone: string;
  members: number;
  /** Of a member, at most: it may have stopped before. */
  steps: number;
  batch: number;
  learningRate: number;
  /** One entry a look at the left-out rows, averaged over members; one that has stopped counts with its last look. */
  curve: { step: number; epoch: number; loss: number; validationLoss: number | null }[];
  /** Out-of-fold scores; absent with validation: 0. */
  heldOut?: { model: Scores; mean: Scores; linear: Scores };
  /** Log links, where targets are 0: what they count as in residuals, half of the least other one; an interval that reaches down to it begins at 0. */
  zero?: number;
  /** Weight of the networks against the linear fit, 0 to 1. */
  blend: number;
  warnings: string[];
  /** merge: how many models were averaged. */
  merged?: number;
  /** merge: what each of them says of its training, held-out scores included. */
  parts?: TrainingReport[];
}

/** A model file, version 1. */
export interface ModelData {
  format: "isotone";
  version: 1;
  target: { name: string };
  loss: Loss;
  features: Feature[];
  inputs: Input[];
  /** [network][group][plane][inputs + 1]: weights, then the bias; all float32. */
  networks: number[][][][];
  scale: number;
  offset: number;
  link: Link;
  /** Quantile models: [requested level, level fed in], both ascending. */
  calibration?: [number, number][];
  /** Sorted out-of-fold residuals (target - prediction, or on the link's scale for "exp"), at most 1001 quantile points. */
  residuals?: number[];
  training: TrainingReport;
}
