// What this browser prefers: language and theme, kept from visit to visit.
import type {Language} from './format.ts';
import {Cell} from './state.ts';

export type Theme = 'light' | 'dark';
export type ThemeChoice = Theme | 'system';

function kept(key: string): string | null {
  try {
    return localStorage.getItem(`carbongate.${key}`);
  } catch {
    return null;  // storage can be forbidden
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(`carbongate.${key}`, value);
  } catch {
    // For this visit then.
  }
}

// The first of the reader's languages that is one of ours.
export function preferredLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const language = wish.toLowerCase().split('-')[0];
    if (language === 'zh' || language === 'en') return language;
  }
  return 'en';
}

export const language = new Cell<Language>('en');
export const themeChoice = new Cell<ThemeChoice>('system');
export const theme = new Cell<Theme>('light');

export function chooseLanguage(choice: Language): void {
  keep('language', choice);
  language.set(choice);
}

export function chooseTheme(choice: ThemeChoice): void {
  keep('theme', choice);
  themeChoice.set(choice);
}

export function startSettings(): void {
  const chosen = kept('language');
  language.set(chosen === 'en' || chosen === 'zh' ? chosen : preferredLanguage(navigator.languages));
  const mark = () => {
    document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
  };
  language.watch(mark);
  mark();

  const dark = matchMedia('(prefers-color-scheme: dark)');
  const settle = () => {
    theme.set(themeChoice.value === 'system' ? (dark.matches ? 'dark' : 'light') : themeChoice.value);
    document.documentElement.dataset.theme = theme.value;
  };
  const choice = kept('theme');
  if (choice === 'light' || choice === 'dark') themeChoice.set(choice);
  themeChoice.watch(settle);
  dark.addEventListener('change', settle);
  settle();
}
