// Numbers as people read them. A figure that is not known is a dash, never a zero.

export const kUnknown = '–';

export type Language = 'en' | 'zh';

const locales: Record<Language, string> = {en: 'en-GB', zh: 'zh-CN'};

export function localeOf(language: Language): string {
  return locales[language];
}

const formats = new Map<string, Intl.NumberFormat>();

function formatOf(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locales[language], options);
    formats.set(key, format);
  }
  return format;
}

export function isKnown(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

// `digits` significant ones at most, but never fewer than the whole part has; so 1234.5 at 3 is 1,235 and not 1,230.
export function formatNumber(value: number | null | undefined, language: Language, digits = 4): string {
  if (!isKnown(value)) return kUnknown;
  const size = Math.abs(value);
  const whole = size < 1 ? 1 : Math.floor(Math.log10(size)) + 1;
  const decimals = size === 0 ? 0 : size < 1 ? Math.min(8, digits - 1 - Math.floor(Math.log10(size))) : Math.max(0, digits - whole);
  return formatOf(language, {maximumFractionDigits: decimals}).format(value === 0 ? 0 : value);
}

// Decimals as they are, as books need them.
export function formatExact(value: number | string | null | undefined, language: Language, decimals = 6): string {
  if (value === null || value === undefined || value === '') return kUnknown;
  const number = typeof value === 'string' ? Number(value) : value;
  if (!Number.isFinite(number)) return typeof value === 'string' ? value : kUnknown;
  return formatOf(language, {maximumFractionDigits: decimals}).format(number);
}

export function formatPercent(share: number | null | undefined, language: Language, decimals = 1): string {
  if (!isKnown(share)) return kUnknown;
  return formatOf(language, {maximumFractionDigits: decimals}).format(share * 100) + '\u00a0%';
}

export function formatInteger(value: number | null | undefined, language: Language): string {
  return isKnown(value) ? formatOf(language, {maximumFractionDigits: 0}).format(value) : kUnknown;
}

// ---- units

// Each ladder's units differ by 1000. A value stands in the largest in which it is at least 1, from 10 of the next one's thousandths on.
const ladders: string[][] = [
  ['W', 'kW', 'MW', 'GW'],
  ['Wh', 'kWh', 'MWh', 'GWh'],
  ['g', 'kg', 't', 'kt', 'Mt'],
  ['gCO2e', 'kgCO2e', 'tCO2e', 'ktCO2e'],
  ['g/h', 'kg/h', 't/h', 'kt/h'],
  ['gce', 'kgce', 'tce', 'ktce'],
  ['B', 'kB', 'MB', 'GB', 'TB'],
];

export interface Scaled {
  value: number;
  unit: string;
}

// Large figures in a larger unit: 12,345 kg is 12.35 t. Small ones stay as they are: operators compare kW with kW.
export function scale(value: number, unit: string): Scaled {
  const ladder = ladders.find((units) => units.includes(unit));
  if (!ladder) return {value, unit};
  let step = ladder.indexOf(unit);
  let scaled = value;
  while (Math.abs(scaled) >= 10_000 && step + 1 < ladder.length) {
    scaled /= 1000;
    step += 1;
  }
  return {value: scaled, unit: ladder[step] ?? unit};
}

// "CO2" is written with a subscript where people read it, and what has no unit without one.
export function unitText(unit: string): string {
  return unit === '1' ? '' : unit.replace(/CO2/g, 'CO₂').replace(/m3/g, 'm³');
}

export interface Quantity {
  number: string;
  unit: string;
  plusMinus?: string | undefined;  // in the same unit
}

export function quantity(value: number | null | undefined, unit: string, language: Language, options: {digits?: number; u95?: number | null | undefined} = {}): Quantity {
  if (!isKnown(value)) return {number: kUnknown, unit: ''};
  const scaled = scale(value, unit);
  const result: Quantity = {number: formatNumber(scaled.value, language, options.digits ?? 4), unit: unitText(scaled.unit)};
  if (isKnown(options.u95) && value !== 0) {
    result.plusMinus = formatNumber(options.u95 * (scaled.value / value), language, 2);
  }
  return result;
}

export function quantityText(value: number | null | undefined, unit: string, language: Language, digits = 4): string {
  const q = quantity(value, unit, language, {digits});
  return q.unit ? `${q.number}\u00a0${q.unit}` : q.number;
}

// ---- how long

export interface DurationWords {
  day: string;
  hour: string;
  minute: string;
  second: string;
}

// The two largest parts: "3 d 4 h", "12 min", "850 ms".
export function formatDuration(seconds: number | null | undefined, words: DurationWords): string {
  if (!isKnown(seconds)) return kUnknown;
  const total = Math.abs(seconds);
  if (total < 1) return `${Math.round(total * 1000)} ms`;
  const parts: [number, string][] = [
    [Math.floor(total / 86_400), words.day],
    [Math.floor((total % 86_400) / 3600), words.hour],
    [Math.floor((total % 3600) / 60), words.minute],
    [Math.floor(total % 60), words.second],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  return parts
    .slice(first, first + 2)
    .filter(([n], i) => i === 0 || n > 0)
    .map(([n, word]) => `${n} ${word}`)
    .join(' ');
}

export function formatBytes(bytes: number | null | undefined, language: Language): string {
  if (!isKnown(bytes)) return kUnknown;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let step = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && step + 1 < units.length) {
    value /= 1024;
    step += 1;
  }
  return `${formatNumber(value, language, 3)} ${units[step]}`;
}
