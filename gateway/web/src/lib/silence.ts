// Meters that are silent: what they measure now is not known, and in no sum.
import type {Now} from './api_types.ts';

const kNamed = 6;

export function silenceOf(value: Now | undefined): 'none' | 'some' | 'all' {
  if (!value || value.stale_points === 0) return 'none';
  return value.stale_points === value.accounted_points ? 'all' : 'some';
}

// When the newest reading was made that is counted; undefined: there has been none.
export function newestReading(value: Now): number | undefined {
  return value.data_age_s === null ? undefined : Date.parse(value.at) - value.data_age_s * 1000;
}

// "Press shop (press), Boiler house (boiler, boiler-2)": by energy user, with the devices; `more`: points that are not named.
export function silentNames(value: Now, userName: (id: string) => string): {names: string[]; more: number} {
  const devices = new Map<string, Set<string>>();
  const named = value.stale.slice(0, kNamed);
  for (const one of named) {
    const user = one.energy_users.map(userName).join(', ');
    devices.set(user, (devices.get(user) ?? new Set()).add(one.device || one.point));
  }
  return {names: [...devices].map(([user, of]) => `${user} (${[...of].join(', ')})`), more: value.stale_points - named.length};
}
