// The site as configured, and how its things are called in the reader's language.
import type {Carrier, Named, Site, Source} from './api_types.ts';
import type {Language} from './format.ts';
import {Cell} from './state.ts';

export const site = new Cell<Site | undefined>(undefined);

export function nameOf(named: Named, language: Language): string {
  return (language === 'zh' ? named.name_zh || named.name : named.name || named.name_zh);
}

// "natural-gas" is "Natural gas".
export function wordsOfId(id: string): string {
  const text = id.replace(/([a-z])[-_](?=[a-z])/g, '$1 ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function carrierName(id: string, carriers: readonly Carrier[], language: Language): string {
  const carrier = carriers.find((one) => one.id === id);
  return language === 'zh' && carrier?.name_zh ? carrier.name_zh : wordsOfId(id);
}

export function sourceName(id: string, sources: readonly Source[], language: Language): string {
  const source = sources.find((one) => one.id === id);
  return wordsOfId((source && nameOf(source, language)) || id);
}
