import assert from 'node:assert/strict';
import {test} from 'node:test';
import {carbonColour, kUnknownCarbon} from '../src/lib/colour.ts';
import {hrefOf, parseRoute} from '../src/lib/route.ts';
import type {Now} from '../src/lib/api_types.ts';
import {newestReading, silenceOf, silentNames} from '../src/lib/silence.ts';
import {explainableName, linesOf} from '../src/pages/statement.tsx';
import {nodeFlow} from '../src/view/sankey.tsx';
import {sorted, type ColumnOf} from '../src/view/table.tsx';

test('addresses of pages go there and back, whatever an entry is called', () => {
  const name = 'press shop/electricity/a.b@2026-01-01T00:00:00Z#0?x=1&y';
  const route = parseRoute(hrefOf(['ledger', 'explain', name], {a: 'ü&=', b: undefined}));
  assert.deepEqual(route, {path: ['ledger', 'explain', name], query: {a: 'ü&='}});
  assert.deepEqual(parseRoute(''), {path: [], query: {}});
  assert.deepEqual(parseRoute('#/%E0%A4%A'), {path: ['%E0%A4%A'], query: {}});
});

test('carbon has a colour from green to brown, and none where it is not known', () => {
  assert.equal(carbonColour(null), kUnknownCarbon);
  assert.equal(carbonColour(-5), carbonColour(0));
  assert.equal(carbonColour(5000), carbonColour(1000));
  assert.equal(new Set([0, 150, 300, 500, 750, 1000].map(carbonColour)).size, 6);
  assert.match(carbonColour(225), /^#[0-9a-f]{6}$/);
});

test('what a node of the flow has comes from what flows into it', () => {
  const links = [
    {source: 'source:grid', target: 'user:a', carrier: 'electricity', power_kw: 30, g_co2e_per_kwh: 600},
    {source: 'source:own', target: 'user:a', carrier: 'electricity', power_kw: 10, g_co2e_per_kwh: 0},
    {source: 'source:x', target: 'user:a', carrier: 'heat', power_kw: 5, g_co2e_per_kwh: null},
  ];
  assert.deepEqual(nodeFlow('user:a', links), {power: 45, intensity: 450});
  assert.deepEqual(nodeFlow('source:grid', links), {power: 30, intensity: 600});
  assert.deepEqual(nodeFlow('source:x', links), {power: 5, intensity: null});
});

test('silent meters are named, a few of them, and a page of silent ones is not live', () => {
  const point = (id: string, user: string) => ({point: `${id}.energy`, device: id, energy_users: [user], age_s: 140, offline: true});
  const told = (stale_points: number, data_age_s: number | null = 5) =>
    ({at: '2026-11-29T10:00:00Z', data_age_s, accounted_points: 9, stale_points, stale: Array.from({length: stale_points}, (_, i) => point(`m${i}`, i < 2 ? 'a' : `u${i}`))}) as unknown as Now;
  assert.equal(silenceOf(undefined), 'none');
  assert.equal(silenceOf(told(0)), 'none');
  assert.equal(silenceOf(told(3)), 'some');
  assert.equal(silenceOf(told(9)), 'all');
  assert.deepEqual(silentNames(told(3), (id) => id.toUpperCase()), {names: ['A (m0, m1)', 'U2 (m2)'], more: 0});
  assert.deepEqual(silentNames(told(9), (id) => id), {names: ['a (m0, m1)', 'u2 (m2)', 'u3 (m3)', 'u4 (m4)', 'u5 (m5)'], more: 3});
  assert.equal(newestReading(told(9, 140)), Date.parse('2026-11-29T09:57:40Z'));
  assert.equal(newestReading(told(9, null)), undefined);
});

test('tables sort both ways, and what is not known comes last', () => {
  const columns: ColumnOf<{n: number | null}>[] = [{id: 'n', title: 'n', cell: (row) => row.n, sort: (row) => row.n}];
  const rows = [{n: 2}, {n: null}, {n: 1}, {n: 3}];
  const order = (by: string | undefined) => sorted(rows, columns, by, (row) => row.n === 3).map((row) => row.n);
  assert.deepEqual(order('n'), [3, 1, 2, null]);
  assert.deepEqual(order('-n'), [3, 2, 1, null]);
  assert.deepEqual(order(undefined), [2, null, 1, 3]);
});

test('lines of a statement, in its order, with the names that explain them', () => {
  const document = {
    statement: {site: 'park', period: 'month'},
    users: [{user: 'a', name: 'A', accounts: [{level: 'account', sum: 'consumed', user: 'a', carrier: 'electricity', device: 'm', point: 'e'}], total: {level: 'user', sum: 'total', user: 'a'}}],
    scopes: [{level: 'scope', sum: 'total', scope: '2'}],
    total: {level: 'site', sum: 'total'}, net: {level: 'site', sum: 'net'},
  };
  assert.deepEqual(linesOf(document).map((line) => explainableName(line, '2026-11')), ['a/electricity/m.e@2026-11', 'a@2026-11', 'site/scope-2@2026-11', 'site@2026-11', undefined]);
});
