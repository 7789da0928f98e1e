// What the API says: gateway/ops/openapi.yaml, whose descriptions hold here too.

export type Severity = 'info' | 'warning' | 'critical';
export type Role = 'viewer' | 'operator' | 'administrator';
export type Flow = 'consumed' | 'exported' | 'produced' | 'emitted' | 'measured';
export type Measure = 'energy' | 'kgce' | 'co2e';
export type Interval = 'quarter_hour' | 'hour' | 'day' | 'month';
type Optional<T> = T | null;

export interface Page {
  next: Optional<string>;
}

export interface Session {
  user: Optional<string>;
  role: Optional<Role>;  // null: nobody is logged in
  logins: boolean;
  csrf?: string;
  expires?: string;
}

export interface Named {
  name: string;
  name_zh: string;
}

export interface Account {
  carrier: string;
  point: string;
  scope: Optional<1 | 2>;
  flow: Flow;
  supply: string;
}

export interface SiteUser {
  id: string;
  name: string;
  part_of: Optional<string>;
  accounts: Account[];
}

export interface Carrier {
  id: string;
  name_zh: string;
  unit: string;
  category: string;
}

export interface Source extends Named {
  id: string;
  carrier: string;
  kind: 'grid' | 'own' | 'purchased' | 'fuel' | 'other';
  renewable: boolean;
}

export interface Point {
  id: string;
  name: string;
  unit: string;
  kind: 'cumulative' | 'interval' | 'instantaneous';
}

export interface Site {
  id: string;
  name: string;
  time_zone: string;
  grid_region: string;
  gwp: string;
  languages: ('en' | 'zh')[];
  energy_users: SiteUser[];
  carriers: Carrier[];
  sources: Source[];
  devices: {id: string; driver: string; points: Point[]}[];
  quotas: (Named & {rule: string; energy_user: string; carrier: Optional<string>; measure: 'amount' | 'co2e'; period: string; quota: number; unit: string})[];
  alert_rules: (Named & {id: string; severity: Severity})[];
  sinks: string[];
}

export interface SourceNow {
  id: string;
  power_kw: Optional<number>;
  rate: Optional<number>;
  rate_unit: string;
  co2e_kg_per_h: Optional<number>;
  g_co2e_per_kwh: Optional<number>;
  stale: boolean;
}

export interface QuotaUse {
  rule: string;
  energy_user: string;
  carrier: Optional<string>;
  measure: 'amount' | 'co2e';
  period: 'quarter_hour' | 'hour' | 'day' | 'month' | 'year';
  begin: string;
  end: string;
  quota: number;
  used: number;
  unit: string;
  used_percent: number;
  elapsed_percent: number;
  coverage_percent: Optional<number>;
}

export interface FlowNode extends Named {
  id: string;
  kind: 'source' | 'energy_user' | 'unallocated';
  stale: boolean;
}

export interface FlowLink {
  source: string;
  target: string;
  carrier: string;
  power_kw: number;
  g_co2e_per_kwh: Optional<number>;
}

export interface Grid {
  g_co2e_per_kwh: number;
  factor: string;
  version: string;
  region: string;
  method: string;
  valid_from: string;
  live: boolean;
  source: string;
}

// A point that is silent: its rate is in no sum.
export interface StalePoint {
  point: string;
  device: string;
  energy_users: string[];
  age_s: Optional<number>;
  offline: boolean;
}

export interface Now {
  at: string;
  data_age_s: Optional<number>;
  oldest_age_s: Optional<number>;
  accounted_points: number;
  stale_points: number;
  stale: StalePoint[];
  time_is_known: boolean;
  co2e_kg_per_h: Optional<number>;
  power_kw: Optional<number>;
  sources: SourceNow[];
  today: {
    begin: string;
    end: string;
    electricity_kwh: number;
    kgce: number;
    co2e_kg: number;
    u95_kg: Optional<number>;
    u95_stated: Stated;
    renewable_share_percent: Optional<number>;
    coverage_percent: Optional<number>;
  };
  quotas: QuotaUse[];
  renewable_share_percent: Optional<number>;
  grid: Optional<Grid>;
  flows: {nodes: FlowNode[]; links: FlowLink[]};
  alerts: Record<Severity, number>;
  devices: {online: number; offline: number; starting: number};
}

// Of what an uncertainty is known; of a part only, it is a lower bound.
export type Stated = 'none' | 'part' | 'all';

export interface UserPeriod {
  electricity_kwh: number;
  kgce: number;
  co2e_kg: number;
  u95_kg: Optional<number>;
  u95_stated: Stated;
  co2e_kg_scope_1: number;
  co2e_kg_scope_2: number;
  market_co2e_kg: number;
  renewable_share_percent: Optional<number>;
  coverage_percent: Optional<number>;
}

export interface UserCarrier {
  carrier: string;
  flow: Flow;
  supply: string;
  scope: Optional<1 | 2>;
  rate: Optional<number>;
  rate_unit: string;
  today: number;
  month: number;
  unit: string;
  in_doubt: boolean;
  stale: boolean;
}

export interface EnergyUser {
  id: string;
  name: string;
  part_of: Optional<string>;
  co2e_kg_per_h: Optional<number>;
  power_kw: Optional<number>;
  stale: boolean;
  today: UserPeriod;
  month: UserPeriod;
  carriers: UserCarrier[];
}

export interface Column {
  carrier: string;
  flow: Flow;
  supply: string;
  scope: Optional<1 | 2>;
  unit: string;
  values: Optional<number>[];
  coverage_percent: Optional<number>[];
}

export interface Series {
  energy_user: string;
  measure: Measure;
  interval: Interval;
  from: string;
  until: string;
  begin: number[];  // seconds since 1970 UTC
  series: Column[];
}

export interface DeviceState {
  id: string;
  driver: string;
  state: 'starting' | 'online' | 'offline';
  since: Optional<string>;
  detail: string;
  heard: Optional<string>;
  round_trip_ms: Optional<number>;
  polls: number;
  errors: number;
  error_rate_percent: Optional<number>;
  skipped: number;
}

export interface Driver {
  name: string;
  connected: boolean;
  since: Optional<string>;
  detail: string;
  reconnects: number;
  late_answers: number;
  noise_bytes: number;
  dropped: number;
  unclaimed: number;
  occupancy_percent: Optional<number>;
  devices: DeviceState[];
}

export interface LatestReading {
  point: string;
  name: string;
  unit: string;
  kind: Point['kind'];
  at: Optional<string>;
  value: Optional<number>;
  quality: Optional<string>;
  rule: string;
}

export interface Percents {
  begin: number[];
  percent: Optional<number>[];
}

export interface Coverage {
  device: string;
  from: string;
  until: string;
  hours: Percents;
  days: Percents;
}

export interface Readings {
  point: string;
  unit: string;
  kind: Point['kind'];
  from: string;
  until: string;
  every_s: number;
  begin: number[];
  count: number[];
  rejected: number[];
  first: Optional<number>[];
  last: Optional<number>[];
  min: Optional<number>[];
  max: Optional<number>[];
  mean: Optional<number>[];
}

export interface Frame {
  at: string;
  direction: 'sent' | 'received' | 'missing';
  unit: Optional<number>;
  about: string;
  bytes: number;
  hex: Optional<string>;
  text: Optional<string>;
  took_ms: Optional<number>;
  trouble: string;
}

export interface Frames {
  device: string;
  frames_max: number;  // 0: nothing of this device goes over a wire
  added: number;
  dropped: number;
  cut: number;
  frames: Frame[];  // the oldest first
}

export interface ReadNow {
  device: string;
  at: string;
  took_ms: number;
  trouble: string;
  readings: {point: string; name: string; unit: string; kind: Point['kind']; at: string; value: Optional<number>}[];
}

export interface Alert extends Named {
  id: string;
  state: 'pending' | 'firing' | 'acknowledged' | 'resolved' | 'withdrawn';
  severity: Severity;
  rule: string;
  subject: string;
  energy_user_name: string;
  since: Optional<string>;
  changed: Optional<string>;
  value: Optional<number>;
  limit: Optional<number>;
  unit: string;
  period_begin: Optional<string>;
  period_end: Optional<string>;
  coverage_percent: Optional<number>;
  suppressed: number;
  cause: Optional<string>;
  by: string;
  note: string;
}

export interface Delivery {
  sink: string;
  state: 'open' | 'received' | 'refused' | 'sent';
  kind: string;
  time: Optional<string>;
  what: string;
  first_sent: string;
  sent: string;
  attempts: number;
  answered: Optional<string>;
  seconds: Optional<number>;
  answer: string;
  id: string;
  sequence: number;
}

export interface Entry {
  name: string;
  begin: string;
  end: string;
  energy_user: string;
  energy_user_name: string;
  carrier: string;
  point: string;
  scope: Optional<1 | 2>;
  flow: Flow;
  part_of: Optional<string>;
  amount: number;
  unit: string;
  kgce: number;
  co2e_kg: number;
  u95_kg: Optional<number>;
  u95_stated: Stated;
  market_co2e_kg: Optional<number>;
  factor: Optional<string>;
  factor_version: Optional<string>;
  market_factor: Optional<string>;
  gases_kg: Record<string, number>;
  coverage_percent: number;
  quality: string;
  rule: string;
  revision: number;
  cause: Optional<string>;
  note: Optional<string>;
  booked_at: Optional<string>;
  sequence: number;
}

export interface Seal {
  number: number;
  at: string;
  entries: number;
  head: string;
  key: string;
  signature: string;
}

export interface Seals extends Page {
  entries: number;
  sealed: number;
  trouble: Optional<string>;
  seals: Seal[];
}

export interface SinkAccount {
  received: number;
  accepted: number;
  skipped: number;
  refused: number;
  missed: number;
  lost: number;
  pending: Optional<number>;
  balances: boolean;
}

export interface Sink {
  name: string;
  healthy: boolean;
  since: Optional<string>;
  detail: string;
  is_waiting_for_time: boolean;
  rows_accepted: number;
  rows_rejected: number;
  rows_skipped: number;
  requests: number;
  failures: number;
  waiting: number;
  rows_per_s: number;
  oldest: Optional<string>;
  lanes: number;
  account: Optional<SinkAccount>;
}

export interface Status {
  version: string;
  started: string;
  uptime_s: number;
  memory_bytes: number;
  memory_max_bytes: number;
  readings: number;
  inbox: {waiting: number; waits: number; memory_holds: number};
  store: {
    id: string;
    path: string;
    bytes: number;
    bytes_max: Optional<number>;
    last_sequence: number;
    commits: number;
    commit_retries: number;
    rows_thinned: number;
    trouble: string;
    damage: string;
    repaired: string;
    set_aside: string[];
  };
  ledger: {entries: number; sealed: number; trouble: string; corrections: number};
  conservation: {
    audits: number;
    breaches: number;
    holds: boolean;
    sources: {name: string; received: number; committed: number; given_up: number; waiting: number}[];
    sinks: {name: string; account: SinkAccount}[];
  };
  clock: {now: string; is_known: boolean; is_synchronised: boolean; machine_ahead_s: number};
  ready: boolean;
  trouble: string[];
  server: {connections: number; requests: number; refused: number; streams: number; streams_dropped: number};
}

export interface AuditEvent {
  at: string;
  user: Optional<string>;
  address?: string;
  action: string;
  outcome: string;
  detail?: string;
}

export interface Device {
  device: DeviceState;
  occupancy_percent: Optional<number>;  // of its line
  can_be_read: boolean;
  points: LatestReading[];
}
