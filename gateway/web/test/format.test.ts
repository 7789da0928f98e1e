import assert from 'node:assert/strict';
import {test} from 'node:test';
import {formatBytes, formatDuration, formatExact, formatInteger, formatNumber, formatPercent, kUnknown, quantity, quantityText, scale, unitText} from '../src/lib/format.ts';

const words = {day: 'd', hour: 'h', minute: 'min', second: 's'};

test('significant digits, but the whole part is never rounded away', () => {
  assert.equal(formatNumber(1234.5678, 'en'), '1,235');
  assert.equal(formatNumber(12.345678, 'en'), '12.35');
  assert.equal(formatNumber(0.00123456, 'en'), '0.001235');
  assert.equal(formatNumber(987654.3, 'en', 3), '987,654');
  assert.equal(formatNumber(-12.345678, 'zh'), '-12.35');
  assert.equal(formatNumber(-0, 'en'), '0');
});

test('what is not known is a dash and never a zero', () => {
  for (const nothing of [null, undefined, NaN, Infinity]) {
    assert.equal(formatNumber(nothing, 'en'), kUnknown);
    assert.equal(formatPercent(nothing, 'en'), kUnknown);
    assert.equal(formatInteger(nothing, 'en'), kUnknown);
    assert.equal(quantityText(nothing, 'kW', 'en'), kUnknown);
  }
  assert.equal(formatExact('', 'en'), kUnknown);
  assert.notEqual(formatNumber(0, 'en'), kUnknown);
});

test('books keep their decimals, as numbers and as text', () => {
  assert.equal(formatExact('33.510689', 'en'), '33.510689');
  assert.equal(formatExact(1234567.25, 'en', 3), '1,234,567.25');
  assert.equal(formatExact('not a number', 'en'), 'not a number');
});

test('large figures go to the next unit, small ones stay', () => {
  assert.deepEqual(scale(9999, 'kW'), {value: 9999, unit: 'kW'});
  assert.deepEqual(scale(12_345, 'kg'), {value: 12.345, unit: 't'});
  assert.deepEqual(scale(-25_000_000, 'kWh'), {value: -25, unit: 'GWh'});
  assert.deepEqual(scale(0.2, 'kg'), {value: 0.2, unit: 'kg'});
  assert.deepEqual(scale(5e7, 'Nm3'), {value: 5e7, unit: 'Nm3'});
});

test('units as people write them', () => {
  assert.equal(unitText('kgCO2e/kWh'), 'kgCO₂e/kWh');
  assert.equal(unitText('Nm3/h'), 'Nm³/h');
  assert.equal(unitText('1'), '');
});

test('plus-minus stands in the unit of its value', () => {
  assert.deepEqual(quantity(20_000, 'kg', 'en', {u95: 400}), {number: '20', unit: 't', plusMinus: '0.4'});
  assert.equal(quantity(20_000, 'kg', 'en', {u95: null}).plusMinus, undefined);
});

test('percent and bytes', () => {
  assert.equal(formatPercent(0.12345, 'en'), '12.3\u00a0%');
  assert.equal(formatBytes(8 * 2 ** 30, 'en'), '8 GiB');
  assert.equal(formatBytes(1536, 'en'), '1.5 KiB');
  assert.equal(formatBytes(0, 'en'), '0 B');
});

test('the two largest parts of a duration', () => {
  assert.equal(formatDuration(0.85, words), '850 ms');
  assert.equal(formatDuration(59, words), '59 s');
  assert.equal(formatDuration(3600, words), '1 h');
  assert.equal(formatDuration(90_061, words), '1 d 1 h');
  assert.equal(formatDuration(86_400 + 59, words), '1 d');
  assert.equal(formatDuration(null, words), kUnknown);
});
