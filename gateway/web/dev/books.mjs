// Alerts, deliveries, entries, statements and the gateway's own state of the park in park.mjs.
import {kGrid, startOfDay} from './park.mjs';

const iso = (t) => new Date(t).toISOString().replace(/\.000Z$/, 'Z');
const hex = (seed, length) => Array.from({length}, (_, i) => ((seed * 31 + i * 17 + ((seed * i) % 13)) % 16).toString(16)).join('');

const acknowledged = new Map();
export function acknowledge(id, note) {
  acknowledged.set(id, note);
}

export function alerts(t, state) {
  const one = (n, severity, rule, name, name_zh, subject, user, age, value, limit, unit, more = {}) => ({
    id: hex(n, 16), state: acknowledged.has(hex(n, 16)) ? 'acknowledged' : 'firing', severity, rule, name, name_zh, subject, energy_user_name: user, since: iso(t - age), changed: iso(t - age + 10_000), value, limit, unit, period_begin: null, period_end: null, coverage_percent: null, suppressed: 0, cause: null,
    by: acknowledged.has(hex(n, 16)) ? 'admin' : '', note: acknowledged.get(hex(n, 16)) ?? '', ...more,
  });
  const active = [
    one(11, 'critical', 'silent', 'Stack analyser is silent', '烟气分析仪无应答', 'stack-1', '', 42 * 60_000, 2520, 600, 's', {suppressed: 3}),
    one(12, 'warning', 'pace', 'Month quota is used too fast', '月配额消耗过快', 'rolling-shop', '轧钢车间', 26 * 3_600_000, 101.8, 100, '%', {period_begin: '2026-02-28T16:00:00Z', period_end: '2026-03-31T16:00:00Z', coverage_percent: 98.6}),
    one(13, 'warning', 'peak', 'Peak power', '峰值功率', 'incomer.active_power', '', 7 * 60_000, 1480, 1450, 'kW', acknowledged.has(hex(13, 16)) ? {} : {state: 'acknowledged', by: '李工', note: '调试压机，预计 16:00 结束'}),
    one(14, 'info', 'intensity', 'Grid is dirty', '电网碳强度偏高', 'grid.intensity', '', 55 * 60_000, kGrid, 600, 'g/kWh'),
  ];
  if (state === 'active') return active;
  const past = Array.from({length: 70}, (_, i) => one(40 + i, ['warning', 'info', 'critical'][i % 3], ['peak', 'intensity', 'silent'][i % 3], ['Peak power', 'Grid is dirty', 'Meter is silent'][i % 3], ['峰值功率', '电网碳强度偏高', '仪表无应答'][i % 3], ['incomer.active_power', 'grid.intensity', 'air-station'][i % 3], ['', '', '空压站'][i % 3], (i + 2) * 7 * 3_600_000, 1460 + i, 1450, ['kW', 'g/kWh', 's'][i % 3], {state: i % 9 === 4 ? 'withdrawn' : 'resolved', changed: iso(t - (i + 2) * 7 * 3_600_000 + 1_500_000)}));
  return [...active, ...past];
}

export function deliveries(t) {
  return Array.from({length: 40}, (_, i) => ({
    sink: ['ops-mail', 'regulator', 'syslog'][i % 3], state: i === 0 ? 'open' : i % 11 === 5 ? 'refused' : i % 3 === 2 ? 'sent' : 'received', kind: i % 3 === 1 ? 'report' : 'alert', time: iso(t - i * 1_700_000), what: i % 3 === 1 ? '2051 stack-1' : '峰值功率 incomer.active_power', first_sent: iso(t - i * 1_700_000 + 900),
    sent: iso(t - i * 1_700_000 + 2100), attempts: i % 11 === 5 ? 4 : 1, answered: i === 0 ? null : iso(t - i * 1_700_000 + 2900), seconds: i === 0 ? null : 0.8 + (i % 5) * 0.37, answer: i === 0 ? '' : i % 11 === 5 ? '550 mailbox unavailable' : i % 3 === 1 ? '9014' : '250 2.0.0 Ok: queued', id: hex(i, 12), sequence: 91_000 - i,
  }));
}

const lines = [['rolling-shop', '轧钢车间', 'electricity', 'rolling-shop.active_energy_import', 2], ['rolling-shop', '轧钢车间', 'natural-gas', 'furnace-gas.volume', 1], ['press-shop', '冲压车间', 'electricity', 'press-shop.energy', 2], ['paint-line', '涂装线 Paint line', 'electricity', 'paint-line.energy', 2], ['air-station', '空压站', 'electricity', 'air-station.energy', 2], ['dormitory', '员工宿舍', 'electricity', 'dormitory.import', 2]];

export function entries(query, t) {
  const zone = 8 * 3_600_000;
  const from = query.get('from') ? Date.parse(query.get('from') + 'T00:00:00Z') - zone : startOfDay(t);
  const until = query.get('until') ? Date.parse(query.get('until') + 'T00:00:00Z') - zone : t;
  const rows = [];
  for (let begin = from; begin + 900_000 <= Math.min(until, t); begin += 900_000) {
    for (const [i, [user, name, carrier, point, scope]] of lines.entries()) {
      if (query.get('energy_user') && query.get('energy_user') !== user) continue;
      if (query.get('scope') && Number(query.get('scope')) !== scope) continue;
      if (query.get('carrier') && query.get('carrier') !== carrier) continue;
      const gas = carrier === 'natural-gas';
      const amount = Math.round((gas ? 9.4 : 40 + i * 13) * (1 + 0.2 * Math.sin(begin / 9e6 + i)) * 1000) / 1000;
      const factor = gas ? 2.1622 : kGrid / 1000;
      const k = (begin / 900_000 + i) % 29;
      rows.push({
        name: `${user}/${carrier}/${point}@${iso(begin)}#${k === 3 ? 1 : 0}`, begin: iso(begin), end: iso(begin + 900_000), energy_user: user, energy_user_name: name, carrier, point, scope, flow: 'consumed', part_of: null, amount, unit: gas ? 'Nm3' : 'kWh', kgce: Math.round(amount * (gas ? 1.33 : 0.1229) * 1e6) / 1e6,
        co2e_kg: Math.round(amount * factor * 1e6) / 1e6, u95_stated: i === 4 ? 'none' : 'all', u95_kg: i === 4 ? null : Math.round(amount * factor * 0.012 * 1e6) / 1e6, market_co2e_kg: gas ? null : Math.round(amount * factor * 0.94 * 1e6) / 1e6, factor: gas ? 'cn-fuels/natural-gas/default/2011' : 'cn-grid/CN-SC/average/2023', factor_version: '2025-12-31', market_factor: null, gases_kg: {CO2: amount * factor},
        coverage_percent: k === 7 ? 71.2 : 100, quality: k === 7 ? 'estimated' : 'measured', rule: k === 7 ? 'gap' : '', revision: k === 3 ? 1 : 0, cause: k === 3 ? 'late-data' : null, note: k === 3 ? 'readings came late' : null, booked_at: k === 3 ? iso(begin + 5_000_000) : null, sequence: 70_000 + rows.length,
      });
    }
  }
  return rows;
}

export function seals(t) {
  const last = Math.floor(t / 900_000);
  return {entries: 41_238, sealed: 41_226, trouble: null, seals: Array.from({length: 40}, (_, i) => ({at: iso((last - i) * 900_000 + 12_000), entries: 6, head: hex(last - i, 64), key: 'a41f:09c2:77de:1b3c', signature: hex(last - i + 7, 128)}))};
}

export function statement(period, by) {
  const line = (level, sum, more, co2e) => ({level, sum, ...more, coal_kgce: co2e * 0.21, coal_first_kgce: co2e * 0.21, co2e_kg: co2e, co2e_first_kg: Math.round(co2e * 0.9994 * 1000) / 1000, u95_kg: Math.round(co2e * 0.018 * 1000) / 1000, u95_percent: 1.8, u95_stated: 'all', market_co2e_kg: Math.round(co2e * 0.95 * 1000) / 1000, coverage_percent: 97.31, entries: 2796, corrections: 4, quality: 'estimated', factors: 'cn-grid/CN-SC/average/2023@2025-12-31', gases_kg: {CO2: co2e, ...(more.carrier === 'natural-gas' ? {'CH4-fossil': co2e * 1e-4} : {})}});
  const head = {site: 'demo-park', name: '广元经开区示范园区', period: 'month', begin: `${period.slice(0, 7)}-01T00:00:00+08:00`, end: `${period.slice(0, 7)}-30T00:00:00+08:00`, timezone: 'Asia/Shanghai'};
  const carriers = [line('carrier', 'consumed', {carrier: 'electricity', amount: 512_340.118, unit: 'kWh', scope: '2'}, 321_442.192), line('carrier', 'consumed', {carrier: 'natural-gas', amount: 33_020.4, unit: 'Nm3', scope: '1'}, 71_396.708)];
  const scopes = [line('scope', 'total', {scope: '1'}, 71_396.708), line('scope', 'total', {scope: '2'}, 321_442.192)];
  const total = line('site', 'total', {}, 392_838.9);
  if (by === 'gas') return {statement: head, gases: [['CO2', 392_838.9], ['CH4-fossil', 7.139671]].map(([gas, kg]) => ({level: 'site', sum: 'total', gas, mass_kg: kg, mass_first_kg: kg}))};
  if (by === 'carrier') return {statement: head, carriers, total};
  if (by === 'scope') return {statement: head, scopes, total};
  const names = new Map(lines.map(([user, name]) => [user, name]));
  return {
    statement: head,
    users: [...names].map(([user, user_name], k) => {
      const accounts = lines.filter(([u]) => u === user).map(([, , carrier, point]) => line('account', 'consumed', {user, user_name, carrier, device: point.split('.')[0], point: point.split('.')[1], scope: carrier === 'electricity' ? '2' : '1', amount: 81_200.5 / (k + 1), unit: carrier === 'electricity' ? 'kWh' : 'Nm3'}, Math.round(50_944.88 / (k + 1) * 1000) / 1000));
      return {user, name: user_name, accounts, total: line('user', 'total', {user, user_name}, Math.round(accounts.reduce((s, a) => s + a.co2e_kg, 0) * 1000) / 1000)};
    }),
    scopes, total,
  };
}

export function explanation(name, t) {
  if (!/#\d+$|@.*T/.test(name)) {
    const period = name.split('@')[1] ?? '';
    const line = (n, kg) => ({name: n, begin: iso(t - 20 * 86_400_000), end: iso(t), entries: 2796, co2e_kg: kg, co2e_first_kg: kg, u95_kg: String(Number(kg) * 0.018), market_co2e_kg: kg, coal_kgce: String(Number(kg) * 0.2), coverage_percent: '97.31', quality: {origin: 'measured', rule: null}});
    return {period: 'month', name, site: 'demo-park', timezone: 'Asia/Shanghai', total: line(name, '392838.9'), beside: null, users: [line(`rolling-shop@${period}`, '122341.588'), line(`press-shop@${period}`, '50944.88')], accounts: [], parts: [line(`${name}-03`, '13211.2'), line(`${name}-04`, '13082.77')], entries: [line(`rolling-shop/electricity/rolling-shop.active_energy_import@${iso(startOfDay(t))}`, '61.2')]};
  }
  const begin = Date.parse(/@([^#]+)/.exec(name)[1]);
  const figures = {amount: '53.412', unit: 'kWh', covered_ms: 900_000, coverage_percent: '100', quality: {origin: 'measured', rule: null, origin_meaning: 'As the meter said.', rule_meaning: null}, location_based: {co2e_kg: '33.510689', gases_kg: {CO2: '33.510689'}, u95_kg: '0.402128', u95_stated: 'all'}, market_based: {co2e_kg: '31.5'}, coal_kgce: '6.564335'};
  const place = (n) => ({number: n, hash: hex(n, 64), hash_before: hex(n - 1, 64), hash_fits: true, trouble: null, seal: {number: 412, first: 41_210, last: 41_226, sealed_at: iso(begin + 912_000), key_fingerprint: 'a41f:09c2:77de:1b3c', genuine: true}});
  return {
    entry: name, site: 'demo-park', timezone: 'Asia/Shanghai', user: name.split('/')[0], user_name: '轧钢车间', carrier: name.split('/')[1], carrier_name_zh: '电力', scope: '2', flow: 'consumed', begin: iso(begin), end: iso(begin + 900_000), known: figures, published: figures,
    revisions: [{revision: 0, cause: null, note: null, booked_at: null, figures, journal_row: 70_411, ledger: place(41_213)}],
    formulas: [
      {result: 'location_based', amount: '53.412', unit: 'kWh', revisions: 1, products: [{of: 'CO2e', factor_kg_per_unit: '0.6274', exact_kg: '33.5106888', booked_kg: '33.510689', carried_kg: '0.0000002', fits: true, gwp: null}], beside_kg: '0', factor: {id: 'cn-grid/CN-SC/average/2023', version: '2025-12-31', value: '0.6274', unit: 'kgCO2/kWh', valid_from: '2023-01-01T00:00:00Z', source: 'MEE+NBS Announcement 2025 No.47 (关于发布2023年电力二氧化碳排放因子的公告)', publication: '2025-12-31', u95_percent: '5', lookup: ['the account counts by the series cn-grid, electricity, CN-SC, average', 'in a series the factor that began last, at or before the begin of the interval, applies']}},
      {result: 'standard_coal', amount: '53.412', unit: 'kWh', revisions: 1, products: [{of: 'standard coal', factor_kg_per_unit: '0.1229', exact_kg: '6.5643348', booked_kg: '6.564335', carried_kg: '0.0000002', fits: true}], beside_kg: '0', factor: {id: 'cn-standard-coal/electricity/calorific/2020', version: '2020', value: '0.1229', unit: 'kgce/kWh', source: 'GB/T 2589-2020', lookup: []}},
    ],
    meter: {accuracy: '0.5S', device: 'SDM630 No. 2211-884', calibration: '2026-03-02'}, activity_u95_percent: '0.6',
    point: {
      device: 'rolling-shop', point: 'active_energy_import', unit: 'kWh', kind: 'cumulative', missing: null, origin: {where: 'holding register 342, modbus-tcp 10.20.0.11:502, unit 2', decoding: 'float32, big endian, × 1'}, notes: ['ratio of transformers 400/5, in the meter'], readings_within: 900, readings_left_out: 890,
      readings: Array.from({length: 10}, (_, i) => ({at: iso(begin + i * 1000), place: i === 0 ? 'before' : 'within', value: String(18_250.4 + i * 0.059), quality: {origin: 'measured', rule: null}, moved: i === 0 ? null : '0.059', counted: i === 0 ? null : '0.059', bytes: `46 8e 94 ${hex(i + 3, 2)}`, bytes_missing: null})),
    },
  };
}

export function sinks(t) {
  const account = (received, pending, refused = 0) => ({received, accepted: received - pending - refused - 1200, skipped: 1200, refused, missed: 0, lost: 0, pending, balances: true});
  const one = (name, waiting, more = {}) => ({name, healthy: true, since: iso(t - 4e6), detail: '', is_waiting_for_time: false, rows_accepted: 4_811_233 - waiting, rows_rejected: 0, rows_skipped: 1200, requests: 96_120, failures: 2, waiting, rows_per_s: 24.3, oldest: waiting ? iso(t - 900) : null, lanes: 1, account: account(4_812_433, waiting), ...more});
  return {at: iso(t), sinks: [one('victoria', 12), one('regulator', 48_211, {lanes: 2, rows_per_s: 812, oldest: iso(t - 5.2e6), rows_rejected: 3, failures: 61, account: account(4_812_433, 48_211, 3)}), one('ops-mail', 4, {healthy: false, detail: '550 mailbox unavailable', rows_per_s: 0, failures: 19, oldest: iso(t - 7.2e6)})]};
}

export function status(t, started) {
  const readings = 14_212_008 + Math.floor((t - started) / 40);
  return {
    version: '0.1.0', started: iso(started - 9 * 86_400_000), uptime_s: 9 * 86_400 + (t - started) / 1000, memory_bytes: 61_400_000, memory_max_bytes: 256 << 20, readings, ready: true, trouble: [], inbox: {waiting: 0, waits: 0, memory_holds: 0},
    store: {id: 'b2c1', path: '/var/lib/carbongate/store', bytes: 1_310_000_000, bytes_max: 8 * 2 ** 30, last_sequence: 4_812_433, commits: 777_410, commit_retries: 0, rows_thinned: 0, trouble: '', damage: '', repaired: '', set_aside: []},
    ledger: {entries: 41_238, sealed: 41_226, trouble: '', corrections: 17},
    conservation: {audits: 12_960, breaches: 0, holds: true, sources: [{name: 'drivers', received: readings, committed: readings - 2, given_up: 0, waiting: 2}], sinks: sinks(t).sinks.map((s) => ({name: s.name, account: s.account}))},
    clock: {now: iso(t), is_known: true, is_synchronised: true}, server: {connections: 6, requests: 51_002, refused: 3, streams: 4, streams_dropped: 1},
  };
}

export const configuration = {
  file: '/etc/carbongate/site.yaml',
  configuration: {
    site: {id: 'demo-park', name: '广元经开区示范园区', timezone: 'Asia/Shanghai', grid_region: 'CN-SC'}, brokers: {park: {url: 'mqtts://broker.park:8883', user: 'gateway', password: '***'}},
    devices: [{id: 'incomer', driver: 'modbus-tcp', address: '10.20.0.11:502', unit: '1', profile: 'eastron-sdm630', interval: '1s'}, {id: 'stack-1', driver: 'hj212', listen: '0.0.0.0:9212', mn: '010000A8900016F000169DC0', password: '***'}],
    energy_users: [{id: 'rolling-shop', name: '轧钢车间', consumes: [{carrier: 'electricity', from: 'rolling-shop.active_energy_import'}]}], store: {path: 'store', keep: '190d'}, sinks: [{name: 'victoria', type: 'line-protocol', url: 'http://tsdb:8428'}],
  },
};

export function audit(t) {
  return Array.from({length: 12}, (_, i) => ({at: iso(t - i * 3_100_000), user: ['admin', 'li.gong', null][i % 3], address: '10.20.1.14', action: ['session.create', 'alert.acknowledge', 'session.create'][i % 3], outcome: i % 3 === 2 ? 'refused' : 'done', detail: i % 3 === 1 ? '峰值功率 incomer.active_power' : ''}));
}
