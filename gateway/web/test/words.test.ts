import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {preferredLanguage} from '../src/lib/settings.ts';
import {translate} from '../src/lib/text.ts';
import {en, type Key} from '../src/words/en.ts';
import {zh} from '../src/words/zh.ts';

declare const SOURCE_FOLDER: string;

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test('every key is there in both languages, and says something', () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en) as Key[]) {
    assert.notEqual(en[key].trim(), '', key);
    assert.notEqual(zh[key].trim(), '', key);
  }
});

test('both languages fill in the same words', () => {
  for (const key of Object.keys(en) as Key[]) assert.deepEqual(names(zh[key]), names(en[key]), key);
});

test('Chinese is Chinese, English has none of it', () => {
  const same = new Set(['app.title', 'measure.co2e', 'statement.csv', 'statement.json', 'statement.u95', 'now.quota.of', 'explain.formula.of']);
  for (const key of Object.keys(en) as Key[]) {
    assert.doesNotMatch(en[key], /[\u4e00-\u9fff]/, key);
    if (!same.has(key)) assert.match(zh[key], /[\u4e00-\u9fff]/, `${key}: ${zh[key]}`);
  }
});

test('every key is used', () => {
  const files = (folder: string): string[] => readdirSync(folder, {withFileTypes: true}).flatMap((one) => (one.isDirectory() ? files(join(folder, one.name)) : /\.tsx?$/.test(one.name) && !folder.endsWith('words') ? [join(folder, one.name)] : []));
  const text = files(join(SOURCE_FOLDER, 'src')).map((file) => readFileSync(file, 'utf8')).join('\n');
  const patterns = [...text.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((match) => match[1] as string);  // `alerts.state.${...}`
  for (const key of Object.keys(en)) {
    assert.ok(text.includes(`'${key}'`) || patterns.some((begin) => key.startsWith(begin)), `nobody says ${key}`);
  }
});

test('words are filled in, and none is made up', () => {
  assert.equal(translate('en', 'now.devices.online', {n: 3}), '3 online');
  assert.equal(translate('zh', 'now.devices.online', {n: 3}), '3 台在线');
  assert.equal(translate('en', 'now.devices.online'), '{n} online');
  assert.equal(translate('en', 'alerts.by', {who: '{n} $& \\1'}), 'by {n} $& \\1');
});

test('the browser chooses the language', () => {
  assert.equal(preferredLanguage(['zh-TW', 'en']), 'zh');
  assert.equal(preferredLanguage(['fr', 'en-US', 'zh']), 'en');
  assert.equal(preferredLanguage(['de']), 'en');
  assert.equal(preferredLanguage([]), 'en');
});
