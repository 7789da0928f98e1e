import assert from 'node:assert/strict';
import {test} from 'node:test';
import {dateField, formatTime, instantOf, ofDateField, offsetAt, rfc3339, startOf, wallAt, zoneText} from '../src/lib/zone.ts';

const utc = (text: string) => Date.parse(text);

test('the clock on the wall of the site, whatever zone the reader is in', () => {
  const at = utc('2026-11-28T16:30:15Z');
  assert.deepEqual(wallAt(at, 'Asia/Shanghai'), {year: 2026, month: 11, day: 29, hour: 0, minute: 30, second: 15});
  assert.equal(offsetAt(at, 'Asia/Shanghai'), 8 * 3_600_000);
  assert.equal(offsetAt(at, 'Asia/Kathmandu'), 5.75 * 3_600_000);
  assert.equal(formatTime(at, 'minute', 'Asia/Shanghai', 'en'), '00:30');
  assert.match(formatTime(at, 'date', 'Asia/Shanghai', 'zh'), /2026年11月29日/);
  assert.equal(formatTime('no time', 'date', 'Asia/Shanghai', 'en'), '–');
  assert.equal(formatTime(null, 'date', 'Asia/Shanghai', 'en'), '–');
});

test('periods begin at the site\'s midnight', () => {
  const at = utc('2026-11-29T05:40:00Z');
  assert.equal(rfc3339(startOf('day', at, 'Asia/Shanghai')), '2026-11-28T16:00:00Z');
  assert.equal(rfc3339(startOf('day', at, 'Asia/Shanghai', 1)), '2026-11-29T16:00:00Z');
  assert.equal(rfc3339(startOf('week', at, 'Asia/Shanghai')), '2026-11-22T16:00:00Z');  // a Monday
  assert.equal(rfc3339(startOf('month', at, 'Asia/Shanghai', -1)), '2026-09-30T16:00:00Z');
  assert.equal(rfc3339(startOf('month', utc('2026-01-31T00:00:00Z'), 'Asia/Shanghai', 1)), '2026-01-31T16:00:00Z');
  assert.equal(rfc3339(startOf('year', at, 'Asia/Shanghai')), '2025-12-31T16:00:00Z');
});

test('days of 23 and 25 hours', () => {
  const hours = (day: string) => {
    const at = utc(day);
    return (startOf('day', at, 'Europe/Berlin', 1) - startOf('day', at, 'Europe/Berlin')) / 3_600_000;
  };
  assert.equal(hours('2026-03-29T12:00:00Z'), 23);
  assert.equal(hours('2026-10-25T12:00:00Z'), 25);
  assert.equal(hours('2026-06-01T12:00:00Z'), 24);
});

test('an hour that is there twice is its first, and one that is missing what follows', () => {
  const twice = instantOf({year: 2026, month: 10, day: 25, hour: 2, minute: 30, second: 0}, 'Europe/Berlin');
  assert.equal(rfc3339(twice), '2026-10-25T00:30:00Z');
  const missing = instantOf({year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0}, 'Europe/Berlin');
  assert.equal(rfc3339(missing), '2026-03-29T01:30:00Z');
});

test('a zone whose day begins at one o\'clock', () => {
  // In Cairo the clocks go from 00:00 to 01:00 on the last Friday of April.
  const begin = startOf('day', utc('2026-04-24T12:00:00Z'), 'Africa/Cairo');
  assert.equal(wallAt(begin, 'Africa/Cairo').day, 24);
  assert.equal(rfc3339(begin), '2026-04-23T22:00:00Z');
});

test('date fields go there and back, and refuse what is no date', () => {
  const at = ofDateField('2026-11-29', 'Asia/Shanghai');
  assert.equal(at, utc('2026-11-28T16:00:00Z'));
  assert.equal(dateField(at as number, 'Asia/Shanghai'), '2026-11-29');
  for (const text of ['', '2026-13-01', '2026-02-30', '29.11.2026', '2026-11-29T00:00']) assert.equal(ofDateField(text, 'Asia/Shanghai'), undefined);
});

test('whose time it is', () => {
  assert.equal(zoneText(utc('2026-11-29T00:00:00Z'), 'Asia/Shanghai'), 'UTC+8');
  assert.equal(zoneText(utc('2026-11-29T00:00:00Z'), 'America/St_Johns'), 'UTC−3:30');
});
