// Colours with a meaning. Carbon goes from green by ochre to brown, as wide in lightness as in hue, so that it reads without seeing red.

type Rgb = readonly [number, number, number];

const carbonStops: readonly (readonly [number, Rgb])[] = [
  [0, [31, 158, 109]],
  [150, [120, 178, 72]],
  [300, [214, 178, 52]],
  [500, [222, 128, 45]],
  [750, [176, 74, 44]],
  [1000, [104, 42, 38]],
];

export const kUnknownCarbon = '#8b9690';

// Of an intensity in g CO2e per kWh.
export function carbonColour(intensity: number | null | undefined): string {
  if (intensity === null || intensity === undefined || !Number.isFinite(intensity)) return kUnknownCarbon;
  const first = carbonStops[0] as (typeof carbonStops)[number];
  if (intensity <= first[0]) return hex(first[1]);
  for (let i = 1; i < carbonStops.length; i += 1) {
    const [at, colour] = carbonStops[i] as (typeof carbonStops)[number];
    const [before, colourBefore] = carbonStops[i - 1] as (typeof carbonStops)[number];
    if (intensity <= at) {
      const share = (intensity - before) / (at - before);
      return hex(colour.map((c, k) => Math.round((colourBefore[k] ?? 0) + (c - (colourBefore[k] ?? 0)) * share)) as unknown as Rgb);
    }
  }
  return hex((carbonStops[carbonStops.length - 1] as (typeof carbonStops)[number])[1]);
}

function hex(rgb: Rgb): string {
  return '#' + rgb.map((c) => c.toString(16).padStart(2, '0')).join('');
}

// Sources and carriers, told apart also in grey; the same everywhere.
const sourceColours: Record<string, string> = {
  grid: '#3b6fb6', own: '#e0a526', heat: '#c0563f', 'natural-gas': '#7a5ea8', steam: '#b8577f', coal: '#5a5f63', diesel: '#8a6d3b', electricity: '#3b6fb6',
};
const others = ['#2a9d8f', '#8ab17d', '#d17a4a', '#5f7fbf', '#a0678f', '#6a994e', '#bc6c25'];

export function sourceColour(id: string): string {
  const known = sourceColours[id];
  if (known) return known;
  let hash = 0;
  for (const letter of id) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return others[hash % others.length] ?? '#2a9d8f';
}
