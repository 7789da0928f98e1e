// Words in the reader's language.
import {en, type Key} from '../words/en.ts';
import {zh} from '../words/zh.ts';
import type {Language} from './format.ts';

export type {Key};
export type Words = Record<string, string | number>;
export type Translate = (key: Key, words?: Words) => string;

const dictionaries: Record<Language, Record<Key, string>> = {en, zh};

export function translate(language: Language, key: Key, words: Words = {}): string {
  return dictionaries[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in words ? String(words[name]) : whole));
}
