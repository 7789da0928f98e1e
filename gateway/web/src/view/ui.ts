// What every view needs: words, numbers and times as this reader wants them.
import {useEffect, useState} from 'preact/hooks';
import {formatDuration, formatInteger, formatNumber, formatPercent, quantityText, type Language} from '../lib/format.ts';
import {gatewayTime} from '../lib/live.ts';
import {language} from '../lib/settings.ts';
import {carrierName, site, sourceName} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import {translate, type Key, type Translate, type Words} from '../lib/text.ts';
import {formatTime, type TimeStyle} from '../lib/zone.ts';

export interface Ui {
  lang: Language;
  zone: string;
  t: Translate;
  number: (value: number | null | undefined, digits?: number) => string;
  integer: (value: number | null | undefined) => string;
  percent: (value: number | null | undefined, decimals?: number) => string;  // of a value in percent
  quantity: (value: number | null | undefined, unit: string, digits?: number) => string;
  time: (at: number | string | null | undefined, style?: TimeStyle) => string;
  duration: (seconds: number | null | undefined) => string;
  ago: (at: number | string | null | undefined, now: number) => string;
  carrier: (id: string) => string;
  source: (id: string) => string;
  user: (id: string) => string;
}

export function uiOf(lang: Language): Ui {
  const here = site.value;
  const zone = here?.time_zone ?? 'UTC';
  const t: Translate = (key: Key, words?: Words) => translate(lang, key, words);
  const words = {day: t('unit.day'), hour: t('unit.hour'), minute: t('unit.minute'), second: t('unit.second')};
  return {
    lang,
    zone,
    t,
    number: (value, digits) => formatNumber(value, lang, digits),
    integer: (value) => formatInteger(value, lang),
    percent: (value, decimals) => formatPercent(typeof value === 'number' ? value / 100 : value, lang, decimals),
    quantity: (value, unit, digits) => quantityText(value, unit, lang, digits),
    time: (at, style = 'stamp') => formatTime(at, style, zone, lang),
    duration: (seconds) => formatDuration(seconds, words),
    ago: (at, now) => {
      if (at === null || at === undefined || at === '') return t('time.never');
      const instant = typeof at === 'string' ? Date.parse(at) : at;
      const age = Math.max(0, Math.round((now - instant) / 1000));
      const coarse = age >= 60 ? age - (age % 60) : age;  // nobody needs the seconds of an hour
      return t('time.ago', {duration: coarse === 0 ? `0 ${words.second}` : formatDuration(coarse, words)});
    },
    carrier: (id) => carrierName(id, here?.carriers ?? [], lang),
    source: (id) => sourceName(id, here?.sources ?? [], lang),
    user: (id) => (id === 'site' ? here?.name : here?.energy_users.find((user) => user.id === id)?.name) || id,
  };
}

export function useUi(): Ui {
  useCell(site);
  return uiOf(useCell(language));
}

const phone = typeof matchMedia === 'function' ? matchMedia('(max-width: 720px)') : undefined;

// Whether the page is as narrow as a phone's: frame.css has the same limit.
export function useNarrow(): boolean {
  const [narrow, set] = useState(phone?.matches ?? false);
  useEffect(() => {
    const settle = () => set(phone?.matches ?? false);
    phone?.addEventListener('change', settle);
    return () => phone?.removeEventListener('change', settle);
  }, []);
  return narrow;
}

// Redraws every so many milliseconds, and gives the gateway's time.
export function useClock(every: number): number {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every]);
  return gatewayTime();
}
