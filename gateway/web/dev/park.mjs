// Figures of a plausible park, for work on the pages without a gateway: what GET /api/v1/... answers, after gateway/ops/openapi.yaml.
// Everything follows from the time, so that a page looks alike each time it is loaded. Tests that count run against the real gateway.

const kZoneHours = 8;
const kHour = 3_600_000;
export const kGrid = 627.4;  // g/kWh

const users = [
  {id: 'rolling-shop', name: '轧钢车间', base: 640, swing: 380, own: 0.18, gas: 46},
  {id: 'press-shop', name: '冲压车间', base: 310, swing: 190, own: 0.22, gas: 0},
  {id: 'paint-line', name: '涂装线 Paint line', base: 240, swing: 90, own: 0.15, gas: 28},
  {id: 'air-station', name: '空压站', base: 165, swing: 45, own: 0.1, gas: 0},
  {id: 'dormitory', name: '员工宿舍', base: 60, swing: 48, own: 0.3, gas: 0},
];
const devices = [
  {id: 'incomer', driver: 'modbus-tcp 10.20.0.11:502', points: [['active_energy_import', 'kWh', 'cumulative'], ['active_power', 'kW', 'instantaneous'], ['voltage_l1', 'V', 'instantaneous'], ['voltage_l2', 'V', 'instantaneous'], ['current_l1', 'A', 'instantaneous'], ['frequency', 'Hz', 'instantaneous'], ['power_factor', '1', 'instantaneous']]},
  {id: 'rolling-shop', driver: 'modbus-tcp 10.20.0.11:502', points: [['active_energy_import', 'kWh', 'cumulative'], ['active_power', 'kW', 'instantaneous']]},
  {id: 'solar-roofs', driver: 'modbus-tcp 10.20.0.11:502', points: [['active_energy_export', 'kWh', 'cumulative'], ['active_power', 'kW', 'instantaneous']]},
  {id: 'press-shop', driver: 'mqtt park', points: [['energy', 'kWh', 'cumulative'], ['power', 'W', 'instantaneous']]},
  {id: 'paint-line', driver: 'mqtt park', points: [['energy', 'kWh', 'cumulative'], ['power', 'kW', 'instantaneous']]},
  {id: 'air-station', driver: 'mqtt park', points: [['energy', 'kWh', 'cumulative'], ['power', 'kW', 'instantaneous']]},
  {id: 'dormitory', driver: 'mqtt park', points: [['import', 'kWh', 'cumulative'], ['power', 'W', 'instantaneous']]},
  {id: 'furnace-gas', driver: 'modbus-rtu /dev/ttyS1', points: [['volume', 'Nm3', 'cumulative'], ['flow', 'Nm3/h', 'instantaneous'], ['temperature', '°C', 'instantaneous'], ['pressure', 'kPa', 'instantaneous']]},
  {id: 'stack-1', driver: 'hj212 0.0.0.0:9212', points: [['co2', 'mg/m3', 'instantaneous'], ['flow', 'm3/s', 'instantaneous']]},
];

const iso = (t) => new Date(t).toISOString().replace(/\.000Z$/, 'Z');
const wave = (t, seed) => Math.sin(t / 47_000 + seed * 1.7) * 0.5 + Math.sin(t / 11_300 + seed * 4.1) * 0.3 + Math.sin(t / 731_000 + seed) * 0.2;
const localHour = (t) => ((t / kHour + kZoneHours) % 24 + 24) % 24;
export const startOfDay = (t) => Math.floor((t + kZoneHours * kHour) / 86_400_000) * 86_400_000 - kZoneHours * kHour;
function startOfMonth(t) {
  const d = new Date(t + kZoneHours * kHour);
  return Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), 1) - kZoneHours * kHour;
}
const sun = (t) => Math.max(0, Math.sin(((localHour(t) - 6.3) / 12.2) * Math.PI));
const shift = (t) => { const h = localHour(t); return h < 6 ? 0.45 : h < 8 ? 0.7 : h < 20 ? 1 : 0.75; };
const weekday = (t) => (new Date(t + kZoneHours * kHour).getUTCDay() % 6 === 0 ? 0.6 : 1);
const solarOf = (t) => 520 * sun(t) * (0.86 + 0.14 * wave(t, 9));
const powerOf = (u, t) => (u.id === 'dormitory' ? u.base + u.swing * Math.max(0, Math.sin(((localHour(t) - 14) / 12) * Math.PI)) : (u.base + u.swing * 0.45 * wave(t, u.base)) * shift(t) * weekday(t));
const gasOf = (u, t) => u.gas * shift(t) * weekday(t) * (1 + 0.06 * wave(t, u.base + 3));
const ownOf = (u, t) => Math.min(powerOf(u, t) * 0.9, solarOf(t) * (u.own / 0.95));

// kWh (or Nm3) between two times, in steps of a quarter hour.
function integrate(of, from, until) {
  let sum = 0;
  const step = 900_000;
  for (let t = from; t < until; t += step) sum += of(t + step / 2) * (Math.min(step, until - t) / kHour);
  return sum;
}

const kGasKg = 2.1622;   // kg CO2 per Nm3
const kGasKwh = 10.81;   // kWh per Nm3

export function site() {
  const account = (u) => [
    {carrier: 'electricity', point: `${u.id}.energy`, scope: 2, flow: 'consumed', supply: 'grid'},
    {carrier: 'electricity', point: 'solar-roofs.active_energy_export', scope: 2, flow: 'consumed', supply: 'own'},
    ...(u.gas ? [{carrier: 'natural-gas', point: 'furnace-gas.volume', scope: 1, flow: 'consumed', supply: 'natural-gas'}] : []),
  ];
  return {
    id: 'demo-park', name: '广元经开区示范园区', time_zone: 'Asia/Shanghai', grid_region: 'CN-SC', gwp: 'AR5', languages: ['zh', 'en'],
    energy_users: users.map((u) => ({id: u.id, name: u.name, part_of: null, accounts: account(u)})),
    carriers: [{id: 'electricity', name_zh: '电力', unit: 'kWh', category: 'electricity'}, {id: 'natural-gas', name_zh: '天然气', unit: 'Nm3', category: 'fuel'}],
    sources: [
      {id: 'grid', carrier: 'electricity', kind: 'grid', name: 'Grid', name_zh: '电网', renewable: false},
      {id: 'own', carrier: 'electricity', kind: 'own', name: 'Own generation', name_zh: '自发电', renewable: true},
      {id: 'natural-gas', carrier: 'natural-gas', kind: 'fuel', name: 'Natural gas', name_zh: '天然气', renewable: false},
    ],
    devices: devices.map((d) => ({id: d.id, driver: d.driver.split(' ')[0], points: d.points.map(([name, unit, kind]) => ({id: `${d.id}.${name}`, name, unit, kind}))})),
    quotas: [
      {rule: 'park-day-co2e', name: 'CO2e of a day', name_zh: '日碳排放配额', energy_user: 'site', carrier: null, measure: 'co2e', period: 'day', quota: 22000, unit: 'kg'},
      {rule: 'park-day-electricity', name: 'Electricity of a day', name_zh: '日用电量配额', energy_user: 'site', carrier: 'electricity', measure: 'amount', period: 'day', quota: 28000, unit: 'kWh'},
      {rule: 'rolling-month', name: 'Rolling shop, month', name_zh: '轧钢车间月配额', energy_user: 'rolling-shop', carrier: null, measure: 'co2e', period: 'month', quota: 205000, unit: 'kg'},
      {rule: 'paint-month', name: 'Paint line gas, month', name_zh: '涂装线月用气配额', energy_user: 'paint-line', carrier: 'natural-gas', measure: 'amount', period: 'month', quota: 11000, unit: 'Nm3'},
    ],
    alert_rules: [{id: 'silent', name: 'Meter is silent', name_zh: '仪表无应答', severity: 'critical'}],
    sinks: ['victoria', 'regulator', 'ops-mail'],
  };
}

function sumsOf(u, from, until) {
  const electricity = integrate((t) => powerOf(u, t), from, until);
  const own = integrate((t) => ownOf(u, t), from, until);
  const gas = u.gas ? integrate((t) => gasOf(u, t), from, until) : 0;
  const scope2 = ((electricity - own) * kGrid) / 1000;
  return {
    own, gas, electricity,
    period: {
      electricity_kwh: electricity, kgce: electricity * 0.1229 + gas * 1.33, co2e_kg: scope2 + gas * kGasKg, u95_kg: (scope2 + gas * kGasKg) * 0.018, u95_stated: 'all', co2e_kg_scope_1: gas * kGasKg, co2e_kg_scope_2: scope2,
      market_co2e_kg: scope2 * 0.94 + gas * kGasKg, renewable_share_percent: electricity > 0 ? (own / electricity) * 100 : null, coverage_percent: 99.97 - (u.base % 7) * 0.11,
    },
  };
}

const cache = new Map();
function cached(key, make) {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
}
function untilNow(u, from, t) {
  const slot = Math.floor(t / 900_000) * 900_000;
  const base = cached(`${u.id}/${from}/${slot}`, () => sumsOf(u, from, slot));
  const rest = sumsOf(u, slot, t);
  const period = {};
  for (const key of Object.keys(base.period)) period[key] = key.endsWith('percent') ? base.period[key] : base.period[key] + rest.period[key];
  return {own: base.own + rest.own, gas: base.gas + rest.gas, electricity: base.electricity + rest.electricity, period};
}

function userNow(u, t) {
  const today = untilNow(u, startOfDay(t), t);
  const month = untilNow(u, startOfMonth(t), t);
  const power = powerOf(u, t);
  const own = ownOf(u, t);
  const gas = u.gas ? gasOf(u, t) : 0;
  const carrier = (supply, rate, unit, a, b, scope = 2) => ({carrier: supply === 'natural-gas' ? supply : 'electricity', flow: 'consumed', supply, scope, rate, rate_unit: supply === 'natural-gas' ? 'Nm3/h' : 'kW', today: a, month: b, unit, in_doubt: u.id === 'press-shop' && supply === 'grid', stale: false});
  return {
    id: u.id, name: u.name, part_of: null, co2e_kg_per_h: ((power - own) * kGrid) / 1000 + gas * kGasKg, power_kw: power, stale: false, today: today.period, month: month.period,
    carriers: [
      carrier('grid', power - own, 'kWh', today.electricity - today.own, month.electricity - month.own),
      carrier('own', own, 'kWh', today.own, month.own),
      ...(u.gas ? [carrier('natural-gas', gas, 'Nm3', today.gas, month.gas, 1)] : []),
    ],
  };
}

export function energyUsers(t) {
  const list = users.map((u) => userNow(u, t));
  const add = (of) => list.reduce((sum, one) => sum + of(one), 0);
  const period = (when) => {
    const sum = {};
    for (const key of Object.keys(list[0][when])) sum[key] = add((one) => one[when][key]);
    sum.renewable_share_percent = (add((one) => (one[when].renewable_share_percent / 100) * one[when].electricity_kwh) / sum.electricity_kwh) * 100;
    sum.coverage_percent /= list.length;
    return sum;
  };
  const carriers = ['grid', 'own', 'natural-gas'].map((supply) => {
    const of = list.flatMap((one) => one.carriers.filter((c) => c.supply === supply));
    return {...of[0], in_doubt: false, rate: of.reduce((s, c) => s + c.rate, 0), today: of.reduce((s, c) => s + c.today, 0), month: of.reduce((s, c) => s + c.month, 0)};
  });
  return {at: iso(t), energy_users: [{id: 'site', name: '广元经开区示范园区', part_of: null, co2e_kg_per_h: add((o) => o.co2e_kg_per_h), power_kw: add((o) => o.power_kw), stale: false, today: period('today'), month: period('month'), carriers}, ...list]};
}

export function now(t) {
  const all = energyUsers(t).energy_users;
  const [whole, ...list] = all;
  const [grid, own, gas] = whole.carriers;
  const day = startOfDay(t);
  const month = startOfMonth(t);
  const nextMonth = startOfMonth(month + 32 * 86_400_000);
  const elapsed = (from, until) => ((t - from) / (until - from)) * 100;
  const quota = (rule, used) => {
    const q = site().quotas.find((one) => one.rule === rule);
    const [begin, end] = q.period === 'day' ? [day, day + 86_400_000] : [month, nextMonth];
    return {rule, energy_user: q.energy_user, carrier: q.carrier, measure: q.measure, period: q.period, begin: iso(begin), end: iso(end), quota: q.quota, used, unit: q.unit, used_percent: (used / q.quota) * 100, elapsed_percent: elapsed(begin, end)};
  };
  const byId = Object.fromEntries(list.map((one) => [one.id, one]));
  const links = [];
  for (const one of list) {
    for (const c of one.carriers) {
      links.push({source: `source:${c.supply}`, target: `user:${one.id}`, carrier: c.carrier, power_kw: c.supply === 'natural-gas' ? c.rate * kGasKwh : c.rate, g_co2e_per_kwh: c.supply === 'grid' ? kGrid : c.supply === 'own' ? 0 : 200});
    }
  }
  links.push({source: 'source:grid', target: 'unallocated:site', carrier: 'electricity', power_kw: 38 + 6 * wave(t, 5), g_co2e_per_kwh: kGrid});
  return {
    at: iso(t), data_age_s: 0.6, oldest_age_s: 4.2, accounted_points: users.length + 2, stale_points: 0, stale: [], time_is_known: true, co2e_kg_per_h: whole.co2e_kg_per_h, power_kw: whole.power_kw,
    sources: [
      {id: 'grid', power_kw: grid.rate, rate: grid.rate, rate_unit: 'kW', co2e_kg_per_h: (grid.rate * kGrid) / 1000, g_co2e_per_kwh: kGrid, stale: false},
      {id: 'own', power_kw: own.rate, rate: own.rate, rate_unit: 'kW', co2e_kg_per_h: 0, g_co2e_per_kwh: 0, stale: false},
      {id: 'natural-gas', power_kw: gas.rate * kGasKwh, rate: gas.rate, rate_unit: 'Nm3/h', co2e_kg_per_h: gas.rate * kGasKg, g_co2e_per_kwh: 200.02, stale: false},
    ],
    today: {begin: iso(day), end: iso(day + 86_400_000), electricity_kwh: whole.today.electricity_kwh, kgce: whole.today.kgce, co2e_kg: whole.today.co2e_kg, u95_kg: whole.today.u95_kg, u95_stated: whole.today.u95_stated, renewable_share_percent: whole.today.renewable_share_percent, coverage_percent: whole.today.coverage_percent},
    quotas: [quota('park-day-co2e', whole.today.co2e_kg), quota('park-day-electricity', whole.today.electricity_kwh), quota('rolling-month', byId['rolling-shop'].month.co2e_kg), quota('paint-month', byId['paint-line'].carriers[2].month)],
    renewable_share_percent: (own.rate / whole.power_kw) * 100,
    grid: {g_co2e_per_kwh: kGrid, factor: 'grid-live/CN-SC/live/' + iso(Math.floor(t / kHour) * kHour), version: '', region: 'CN-SC', method: 'live', valid_from: iso(Math.floor(t / kHour) * kHour), live: true, source: '国网四川 grid operator'},
    flows: {
      nodes: [
        ...site().sources.map((s) => ({id: `source:${s.id}`, kind: 'source', name: s.name, name_zh: s.name_zh, stale: false})),
        ...users.map((u) => ({id: `user:${u.id}`, kind: 'energy_user', name: u.name, name_zh: u.name, stale: false})),
        {id: 'unallocated:site', kind: 'unallocated', name: 'Unallocated', name_zh: '未分配', stale: false},
      ],
      links,
    },
    alerts: {info: 1, warning: 2, critical: 1},
    devices: {online: devices.length - 1, offline: 1, starting: 0},
  };
}

export function series(id, measure, interval, from, until, scope, t) {
  const step = {quarter_hour: 900_000, hour: kHour}[interval];
  const begins = [];
  if (step) for (let at = from; at < Math.min(until, t); at += step) begins.push(at);
  else if (interval === 'day') for (let at = startOfDay(from); at < Math.min(until, t); at += 86_400_000) begins.push(at);
  else for (let at = startOfMonth(from); at < Math.min(until, t); at = startOfMonth(at + 32 * 86_400_000)) begins.push(at);
  const ends = begins.map((b, i) => Math.min(t, begins[i + 1] ?? (step ? b + step : interval === 'day' ? b + 86_400_000 : startOfMonth(b + 32 * 86_400_000))));
  const whose = id === 'site' ? users : users.filter((u) => u.id === id);
  const column = (carrier, supply, sc, unit, of) => ({carrier, flow: 'consumed', supply, scope: sc, unit, values: begins.map((b, i) => integrate(of, b, ends[i])), coverage_percent: begins.map(() => 100)});
  const grid = (t0) => whose.reduce((s, u) => s + powerOf(u, t0) - ownOf(u, t0), 0);
  const own = (t0) => whose.reduce((s, u) => s + ownOf(u, t0), 0);
  const gas = (t0) => whose.reduce((s, u) => s + (u.gas ? gasOf(u, t0) : 0), 0);
  const k = measure === 'co2e' ? [kGrid / 1000, 0, kGasKg] : measure === 'kgce' ? [0.1229, 0.1229, 1.33] : [1, 1, 1];
  const unit = measure === 'co2e' ? 'kg' : measure === 'kgce' ? 'kgce' : undefined;
  const all = [
    column('electricity', 'grid', 2, unit ?? 'kWh', (x) => grid(x) * k[0]),
    column('electricity', 'own', 2, unit ?? 'kWh', (x) => own(x) * k[1]),
    ...(whose.some((u) => u.gas) ? [column('natural-gas', 'natural-gas', 1, unit ?? 'Nm3', (x) => gas(x) * k[2])] : []),
  ].filter((c) => !scope || c.scope === Number(scope));
  return {energy_user: id, measure, interval, from: iso(from), until: iso(until), begin: begins.map((b) => b / 1000), series: all};
}

export function deviceStates(t, started) {
  return devices.map((d, i) => {
    const offline = d.id === 'stack-1';
    const polls = Math.floor((t - started) / 1000) + 862_000 + i * 311;
    const errors = offline ? Math.floor(polls * 0.31) : Math.floor(polls * [0.00012, 0, 0.00004, 0, 0, 0.00003, 0, 0.0061, 0][i]);
    return {
      id: d.id, driver: d.driver, state: offline ? 'offline' : 'online', since: iso(offline ? t - 42 * 60_000 : started), detail: offline ? 'no packet for 600 s' : '', heard: iso(offline ? t - 42 * 60_000 : t - 400 - i * 70),
      round_trip_ms: d.driver.startsWith('modbus') ? 7 + i * 1.3 + 2 * wave(t, i) + (d.driver.includes('rtu') ? 48 : 0) : null, polls: offline ? 8120 : polls, errors: offline ? 96 : errors, error_rate_percent: offline ? 1.18 : (errors / polls) * 100, skipped: i === 7 ? 12 : 0,
    };
  });
}

export function drivers(t, started) {
  const states = deviceStates(t, started);
  return {
    at: iso(t),
    drivers: [...new Set(devices.map((d) => d.driver))].map((name, i) => ({
      name, connected: !name.startsWith('hj212'), since: iso(started), detail: name.startsWith('hj212') ? 'no logger is connected' : '', reconnects: [1, 0, 0, 6][i] ?? 0, late_answers: i === 2 ? 31 : 0, noise_bytes: i === 2 ? 118 : 0, dropped: 0, unclaimed: i === 1 ? 4 : 0,
      occupancy_percent: name.startsWith('modbus') ? [11.4, null, 63.8, null][i] ?? null : null, devices: states.filter((s) => s.driver === name),
    })),
  };
}

const valueOf = (id, name, unit, t) => {
  const u = users.find((one) => one.id === id);
  if (name.includes('voltage')) return 229.6 + 1.4 * wave(t, name.length);
  if (name === 'frequency') return 50 + 0.02 * wave(t, 2);
  if (name === 'power_factor') return 0.94 + 0.01 * wave(t, 4);
  if (name.startsWith('current')) return 2140 + 90 * wave(t, 7);
  if (name === 'temperature') return 21.4 + wave(t, 8);
  if (name === 'pressure') return 101.9 + 0.4 * wave(t, 3);
  if (unit === 'mg/m3') return 181_000;
  if (unit === 'm3/s') return 14.2;
  if (unit === 'Nm3/h') return 71 + 3 * wave(t, 6);
  if (unit === 'kWh' || unit === 'Nm3') return Math.round((18_250_000 + (t - 1_790_000_000_000) / 3600) * 10) / 100;
  const power = u ? powerOf(u, t) : id === 'solar-roofs' ? solarOf(t) : users.reduce((s, one) => s + powerOf(one, t) - ownOf(one, t), 0);
  return unit === 'W' ? power * 1000 : power;
};

export function device(id, t, started) {
  const d = devices.find((one) => one.id === id);
  if (!d) return undefined;
  return {
    device: deviceStates(t, started).find((one) => one.id === id),
    occupancy_percent: d.driver.startsWith('modbus') ? 11.4 : null, can_be_read: d.driver.startsWith('modbus'),
    points: d.points.map(([name, unit, kind]) => ({point: `${id}.${name}`, name, unit, kind, at: iso(id === 'stack-1' ? t - 42 * 60_000 : t - 400), value: valueOf(id, name, unit, t), quality: id === 'stack-1' ? 'missing' : 'measured', rule: id === 'stack-1' ? 'stale' : ''})),
  };
}

export function frames(id, t) {
  const modbus = devices.find((one) => one.id === id)?.driver.startsWith('modbus');
  const one = (i, more) => ({at: iso(t - (12 - i) * 500), direction: 'received', unit: null, about: '', bytes: 0, hex: null, text: null, took_ms: null, trouble: '', ...more});
  const list = Array.from({length: 12}, (_, i) => {
    if (!modbus) return one(i, {about: `park/${id}/telemetry`, text: `{"t": ${t - (12 - i) * 500}, "e": ${18_250_000 + i}}`, bytes: 36});
    if (i % 2 === 0) return one(i, {direction: 'sent', unit: 1, hex: '002b00000006010400340002', bytes: 12});
    if (i === 5) return one(i, {direction: 'missing', unit: 1, trouble: 'no answer within 1000 ms'});
    return one(i, {unit: 1, hex: '002b00000007010404478e6a00', bytes: 13, took_ms: 7});
  });
  return {device: id, frames_max: 32, added: 4180, dropped: 4168, cut: 0, frames: list};
}

export function readNow(id, t, started) {
  const {points} = device(id, t, started);
  return {device: id, at: iso(t), took_ms: 23, trouble: '', readings: points.map(({point, name, unit, kind, value}) => ({point, name, unit, kind, at: iso(t), value}))};
}

export function liveReadings(points, t) {
  return points.flatMap((point) => {
    const [id, name] = point.split('.');
    const found = devices.find((d) => d.id === id)?.points.find(([n]) => n === name);
    return found && id !== 'stack-1' ? [{point, at: iso(t), value: valueOf(id, name, found[1], t), unit: found[1], quality: 'measured', rule: ''}] : [];
  });
}

export function readings(point, from, until, points) {
  const [id, name] = point.split('.');
  const found = devices.find((d) => d.id === id)?.points.find(([n]) => n === name);
  if (!found) return undefined;
  const every = Math.max(1, Math.round((until - from) / points / 1000));
  const begin = [];
  for (let t = from; t < until; t += every * 1000) begin.push(Math.floor(t / 1000));
  const at = (k) => begin.map((b) => valueOf(id, name, found[1], b * 1000 + k * every * 1000));
  const mean = at(0.5);
  const spread = found[2] === 'cumulative' ? 0 : 0.012;
  return {point, unit: found[1], kind: found[2], from: iso(from), until: iso(until), every_s: every, begin, count: begin.map(() => every), rejected: begin.map(() => 0), first: at(0), last: at(1), min: mean.map((v) => v * (1 - spread)), max: mean.map((v) => v * (1 + spread * 1.4)), mean};
}

export function coverage(id, from, until, t) {
  const hours = {begin: [], percent: []};
  const days = {begin: [], percent: []};
  for (let day = from; day < Math.min(until, t); day += 86_400_000) {
    let sum = 0;
    let n = 0;
    for (let h = 0; h < 24; h += 1) {
      const at = day + h * kHour;
      if (at > t) break;
      const bad = (Math.floor(day / 86_400_000) % 9 === 4 && h > 12 && h < 17) || (Math.floor(day / 86_400_000) % 13 === 2 && h < 3);
      const percent = bad ? 38 + ((h * 17) % 40) : 99.2 + ((h * 7) % 9) / 11;
      hours.begin.push(at / 1000);
      hours.percent.push(Math.min(100, percent));
      sum += percent;
      n += 1;
    }
    days.begin.push(day / 1000);
    days.percent.push(Math.min(100, sum / n));
  }
  return {device: id, from: iso(from), until: iso(until), hours: id === 'stack-1' ? {begin: [], percent: []} : hours, days: id === 'stack-1' ? {begin: [], percent: []} : days};
}
