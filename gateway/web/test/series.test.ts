import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {Column} from '../src/lib/api_types.ts';
import {addUp, align, comparableLength, inTotal, moved, slotsOf, spanOf, sumOf, yearEarlier} from '../src/lib/series.ts';
import {rfc3339, wallAt} from '../src/lib/zone.ts';

const zone = 'Asia/Shanghai';
const at = Date.parse('2026-11-29T05:40:00Z');
const column = (values: (number | null)[], flow: Column['flow'] = 'consumed'): Column => ({carrier: 'electricity', flow, supply: 'grid', scope: 2, unit: 'kWh', values, coverage_percent: values.map(() => 100)});

test('spans, and those before and a year earlier', () => {
  const month = spanOf('month', at, zone);
  assert.equal(rfc3339(month.from), '2026-10-31T16:00:00Z');
  assert.equal(rfc3339(month.until), '2026-11-30T16:00:00Z');
  assert.equal(rfc3339(moved(month, -1, zone).from), '2026-09-30T16:00:00Z');
  assert.equal(rfc3339(yearEarlier(month, zone).from), '2025-10-31T16:00:00Z');
  assert.equal(rfc3339(yearEarlier(spanOf('year', at, zone), zone).from), '2024-12-31T16:00:00Z');
  // Weekdays meet weekdays.
  for (const kind of ['day', 'week'] as const) {
    const span = spanOf(kind, at, zone);
    assert.equal(span.from - yearEarlier(span, zone).from, 364 * 86_400_000, kind);
  }
});

test('a span has as many slots as its calendar says', () => {
  assert.equal(slotsOf(spanOf('day', at, zone), 'quarter_hour', zone).length, 96);
  assert.equal(slotsOf(spanOf('month', at, zone), 'day', zone).length, 30);
  assert.equal(slotsOf(spanOf('year', at, zone), 'month', zone).length, 12);
  assert.equal(slotsOf(spanOf('year', at, zone), 'quarter_hour', zone).length, 35_040);
  const short = spanOf('day', Date.parse('2026-03-29T12:00:00Z'), 'Europe/Berlin');
  assert.equal(slotsOf(short, 'hour', 'Europe/Berlin').length, 23);
  for (const slot of slotsOf(spanOf('month', Date.parse('2026-10-25T12:00:00Z'), 'Europe/Berlin'), 'day', 'Europe/Berlin')) assert.equal(wallAt(slot, 'Europe/Berlin').hour, 0);
});

test('nothing is not zero', () => {
  assert.equal(sumOf([null, null]), null);
  assert.equal(sumOf([null, 0]), 0);
  assert.deepEqual(addUp([column([1, null, null]), column([2, null, 3])], 3), [3, null, 3]);
});

test('values stand where their time is', () => {
  assert.deepEqual(align({begin: [10, 30]}, [1, 3], [10_000, 20_000, 30_000]), [1, null, 3]);
  assert.deepEqual(align({begin: []}, [], [10_000]), [null]);
});

test('what flows away or is measured beside makes no total', () => {
  assert.deepEqual((['consumed', 'emitted', 'exported', 'produced', 'measured'] as const).map((flow) => inTotal(column([], flow))), [true, true, false, false, false]);
});

test('a span that goes on is compared with as much of the other one', () => {
  assert.equal(comparableLength([0, 10, 20, 30], 15), 2);
  assert.equal(comparableLength([0, 10], 100), 2);
  assert.equal(comparableLength([50], 0), 0);
});
