// Times in the site's zone. The server speaks UTC; days, months and years begin where the site is, not where the reader sits.
import {kUnknown, localeOf, type Language} from './format.ts';

export interface Wall {
  year: number;
  month: number;  // 1..12
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    clocks.set(zone, clock);
  }
  return clock;
}

// What the clock on the wall says at that instant (milliseconds since 1970, UTC).
export function wallAt(instant: number, zone: string): Wall {
  const parts: Record<string, number> = {};
  for (const part of clockOf(zone).formatToParts(instant)) {
    if (part.type !== 'literal') parts[part.type] = Number(part.value);
  }
  return {year: parts.year ?? 0, month: parts.month ?? 1, day: parts.day ?? 1, hour: (parts.hour ?? 0) % 24, minute: parts.minute ?? 0, second: parts.second ?? 0};
}

function asUtc(wall: Wall): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);
}

// How far the zone is ahead of UTC at that instant, in milliseconds.
export function offsetAt(instant: number, zone: string): number {
  const whole = Math.floor(instant / 1000) * 1000;
  return asUtc(wallAt(whole, zone)) - whole;
}

// The instant at which the clock on the wall says so: the first of two, and what follows a gap where the hour does not exist.
export function instantOf(wall: Wall, zone: string): number {
  const naive = asUtc(wall);
  const before = naive - offsetAt(naive - 86_400_000, zone);
  if (asUtc(wallAt(before, zone)) === naive) return before;
  const after = naive - offsetAt(naive + 86_400_000, zone);
  return asUtc(wallAt(after, zone)) === naive ? after : before;
}

export type Period = 'day' | 'week' | 'month' | 'year';

// The beginning of the period that holds the instant, moved by `steps` periods. Weeks begin on Monday.
export function startOf(period: Period, instant: number, zone: string, steps = 0): number {
  const wall = wallAt(instant, zone);
  const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day));
  if (period === 'day') date.setUTCDate(date.getUTCDate() + steps);
  if (period === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7) + 7 * steps);
  if (period === 'month') date.setUTCFullYear(wall.year, wall.month - 1 + steps, 1);
  if (period === 'year') date.setUTCFullYear(wall.year + steps, 0, 1);
  return instantOf({year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: 0, minute: 0, second: 0}, zone);
}

// "2026-11-29", as date fields have it, at the site.
export function dateField(instant: number, zone: string): string {
  const wall = wallAt(instant, zone);
  return `${wall.year}-${String(wall.month).padStart(2, '0')}-${String(wall.day).padStart(2, '0')}`;
}

// The beginning of that day; undefined: it is no date.
export function ofDateField(text: string, zone: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return undefined;
  const wall = {year: Number(match[1]), month: Number(match[2]), day: Number(match[3]), hour: 0, minute: 0, second: 0};
  const check = new Date(asUtc(wall));
  if (check.getUTCMonth() + 1 !== wall.month || check.getUTCDate() !== wall.day) return undefined;
  return instantOf(wall, zone);
}

export function rfc3339(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}

export type TimeStyle = 'time' | 'minute' | 'date' | 'month' | 'stamp' | 'full';

const styles: Record<TimeStyle, Intl.DateTimeFormatOptions> = {
  time: {hour: '2-digit', minute: '2-digit', second: '2-digit'},
  minute: {hour: '2-digit', minute: '2-digit'},
  date: {year: 'numeric', month: 'short', day: 'numeric'},
  month: {year: 'numeric', month: 'long'},
  stamp: {month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit'},
  full: {year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit'},
};
const formats = new Map<string, Intl.DateTimeFormat>();

export function formatTime(at: number | string | null | undefined, style: TimeStyle, zone: string, language: Language): string {
  if (at === null || at === undefined || at === '') return kUnknown;
  const instant = typeof at === 'string' ? Date.parse(at) : at;
  if (!Number.isFinite(instant)) return kUnknown;
  const key = language + style + zone;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(localeOf(language), {...styles[style], timeZone: zone, hourCycle: 'h23'});
    formats.set(key, format);
  }
  return format.format(instant);
}

// "UTC+8": beside a time it says whose.
export function zoneText(instant: number, zone: string): string {
  const minutes = Math.round(offsetAt(instant, zone) / 60_000);
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest ? ':' + String(rest).padStart(2, '0') : ''}`;
}
