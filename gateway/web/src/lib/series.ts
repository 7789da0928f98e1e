// Sums and comparisons of what GET /energy-users/ID/series says. Pure.
import type {Column, Interval, Series} from './api_types.ts';
import {startOf, type Period} from './zone.ts';

export type SpanKind = 'day' | 'week' | 'month' | 'year';

export interface Span {
  kind: SpanKind;
  from: number;   // milliseconds since 1970 UTC
  until: number;  // excluded
}

// The day, week, month or year that holds the instant.
export function spanOf(kind: SpanKind, instant: number, zone: string): Span {
  return {kind, from: startOf(kind, instant, zone), until: startOf(kind, instant, zone, 1)};
}

export function moved(span: Span, steps: number, zone: string): Span {
  return {kind: span.kind, from: startOf(span.kind, span.from, zone, steps), until: startOf(span.kind, span.from, zone, steps + 1)};
}

// The span a year earlier: weeks are compared with the week 52 weeks before, so that weekdays meet weekdays.
export function yearEarlier(span: Span, zone: string): Span {
  if (span.kind === 'week') return moved(span, -52, zone);
  if (span.kind === 'day') return spanOf('day', startOf('day', span.from, zone, -364) + 43_200_000, zone);
  return moved(span, span.kind === 'month' ? -12 : -1, zone);
}

export const intervalsOf: Record<SpanKind, Interval[]> = {
  day: ['quarter_hour', 'hour'],
  week: ['quarter_hour', 'hour', 'day'],
  month: ['quarter_hour', 'hour', 'day'],
  year: ['quarter_hour', 'hour', 'day', 'month'],
};

export const usualInterval: Record<SpanKind, Interval> = {day: 'quarter_hour', week: 'hour', month: 'day', year: 'month'};

// Beginnings of all intervals of a span, also of those that nothing was counted in.
export function slotsOf(span: Span, interval: Interval, zone: string): number[] {
  const slots: number[] = [];
  const fixed = interval === 'quarter_hour' ? 900_000 : interval === 'hour' ? 3_600_000 : 0;
  if (fixed) {
    for (let at = span.from; at < span.until; at += fixed) slots.push(at);
  } else {
    const period: Period = interval === 'day' ? 'day' : 'month';
    for (let at = span.from; at < span.until; at = startOf(period, at, zone, 1)) slots.push(at);
  }
  return slots;
}

export function sumOf(values: readonly (number | null)[]): number | null {
  let sum: number | null = null;
  for (const value of values) if (value !== null) sum = (sum ?? 0) + value;
  return sum;
}

// What counts in a total: what flows away, or is measured beside, does not.
export function inTotal(column: Column): boolean {
  return column.flow === 'consumed' || column.flow === 'emitted';
}

// Of several columns, slot by slot.
export function addUp(columns: readonly Column[], length: number): (number | null)[] {
  const result: (number | null)[] = new Array<number | null>(length).fill(null);
  for (const column of columns) {
    for (let i = 0; i < length; i += 1) {
      const value = column.values[i];
      if (value !== null && value !== undefined) result[i] = (result[i] ?? 0) + value;
    }
  }
  return result;
}

// Values of `series`, put into `slots`; what the series does not have is null.
export function align(series: Pick<Series, 'begin'>, values: readonly (number | null)[], slots: readonly number[]): (number | null)[] {
  const at = new Map<number, number>();
  series.begin.forEach((begin, i) => at.set(begin * 1000, i));
  return slots.map((slot) => {
    const i = at.get(slot);
    return i === undefined ? null : values[i] ?? null;
  });
}

// Up to now a span that goes on is compared with as much of the other one.
export function comparableLength(slots: readonly number[], now: number): number {
  let length = 0;
  while (length < slots.length && (slots[length] ?? 0) <= now) length += 1;
  return length;
}
