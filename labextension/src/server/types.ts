/** What the server's half answers. A test holds these beside its OpenAPI description. */

import type { Bundle, View } from '../results/view';

/** JSON has neither NaN nor infinities: they are words. */
export type Figure = number | 'NaN' | 'Infinity' | '-Infinity';
export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'none';

export interface Problem {
  code: string;
  message: string;
  hint: string | null;
}

export interface Status {
  initialised: boolean;
  project: string | null;
  root: string | null;
  experiment: string | null;
  tracking: { uri: string | null; state: 'up' | 'down' | 'slow' | 'stopped'; says: string; hint: string | null };
  version: string;
  alerts: number;
  problem: Problem | null;
}

export interface Experiment {
  id: string;
  name: string;
  current: boolean;
  updated: number;
}

export interface Experiments {
  experiments: Experiment[];
  next: string | null;
}

export interface RunRow {
  run_id: string;
  name: string;
  status: 'FINISHED' | 'FAILED' | 'KILLED' | 'RUNNING' | 'SCHEDULED';
  started: number;
  ended: number | null;
  user: string;
  notebook: string | null;
  parent: string | null;
  metrics: Record<string, Figure>;
  params: Record<string, string>;
  models: string[];
  more?: { metrics: number; params: number };
}

export interface Runs {
  experiment: { id: string; name: string } | null;
  runs: RunRow[];
  next: string | null;
}

export interface DataSet {
  name: string;
  digest: string;
  role: string;
  rows?: number | null;
  columns?: number | null;
}

export interface Run extends RunRow {
  experiment: { id: string; name: string };
  url: string;
  tags: Record<string, string>;
  history: Record<string, { points: [number, number, Figure][]; total: number }>;
  data: DataSet[];
  code: { source: string | null; commit: string | null; notebook: string | null };
  environment: Record<string, string>;
  reports: Record<string, Verdict>;
}

export interface Comparison {
  run_ids: string[];
  runs: string[];
  metrics: Record<string, (Figure | null)[]>;
  params: Record<string, (string | null)[]>;
  data: (string | null)[][];
  packages: (string | null)[][];
  code: { title: string; text: string }[];
  view: View | null;
}

export interface ModelRow {
  name: string;
  updated: number;
  aliases: Record<string, number>;
  latest: number | null;
  description: string;
}

export interface Models {
  models: ModelRow[];
  next: string | null;
}

export interface VersionRow {
  version: number;
  aliases: string[];
  created: number;
  run_id: string | null;
  metrics: Record<string, Figure>;
  gate: Verdict;
  reasons: string;
  signed: boolean;
  endpoints: string[];
  lineage: { run: { run_id: string; name: string } | null; data: DataSet[] };
}

export interface Model {
  name: string;
  updated: number;
  aliases: Record<string, number>;
  description: string;
  url: string;
  gate: Record<string, string>;
  versions: VersionRow[];
  more: number;
}

export interface EndpointRow {
  name: string;
  model: string;
  version: number | null;
  follows: string | null;
  state: 'serving' | 'not answering' | 'failed' | 'stopped' | 'starting';
  url: string;
  started: number | null;
  requests_per_second: number | null;
  p50_ms: number | null;
  p99_ms: number | null;
  requests: number;
  errors: number | null;
  canary: number | null;
  shadow: number | null;
  refused: string;
  drift: 'ok' | 'drift' | 'unknown';
  drift_says: string;
  series: [number, number][];
  alerts: number;
}

export interface Endpoints {
  endpoints: EndpointRow[];
}

export interface Arm {
  role: string;
  version: number;
  answered: number;
  refused: number;
  failed: number;
  p50_ms: number | null;
  p95_ms?: number | null;
  p99_ms: number | null;
}

export interface Window {
  start: number;
  end: number;
  version: number;
  outcome: 'ok' | 'drift' | 'inconclusive';
  rows: number;
}

export interface Endpoint extends EndpointRow {
  arms: Arm[];
  history: { time: number; role: string; version: number; refused: string }[];
  windows: Window[];
  alerting: AlertRow[];
}

export interface AlertRow {
  id: string;
  endpoint: string;
  model: string;
  version: number | null;
  rule: string;
  asked: string;
  level: 'minor' | 'major' | 'none';
  value: Figure | null;
  why: string;
  opened: number;
  recovered: number | null;
  silenced: { until: number; who: string; reason: string } | null;
}

export interface Alerts {
  alerts: AlertRow[];
  ringing: number;
}

export interface Parameter {
  name: string;
  flag: string;
  kind: string | null;
  help: string;
  positional: boolean;
  many: boolean;
  required: boolean;
  default: unknown;
  type: string;
  choices: string[] | null;
}

export interface Command {
  name: string;
  /** Two may have one name: `run` is a cell, and `run notebooks` is typed `%mlops run`. */
  key: string;
  magic: string;
  summary: string;
  group: string;
  changes: boolean;
  /** The parameter with which it changes something; without it, it lists. */
  changes_with: string | null;
  cell: boolean;
  needs_kernel: boolean;
  usage: string;
  parameters: Parameter[];
}

export interface Commands {
  commands: Command[];
}

/** What a command answered: its result as data, and as it is drawn. */
export interface Outcome {
  ok: boolean | null;
  result: Record<string, unknown>;
  text: string;
  html: string;
  mime: Record<string, Bundle>;
}
