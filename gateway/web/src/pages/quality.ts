import type {Key} from '../lib/text.ts';
import {en} from '../words/en.ts';
import type {Ui} from '../view/ui.ts';

// A quality of a newer gateway stays as it is written.
export function qualityText(quality: string, ui: Ui): string {
  const key = `quality.${quality}`;
  return key in en ? ui.t(key as Key) : quality;
}
