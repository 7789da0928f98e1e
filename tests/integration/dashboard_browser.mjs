// What test_dashboard.py has a real browser do: node dashboard_browser.mjs SCENARIO URL [ARGUMENT...]
//
// A scenario that does not see what it ought to throws, and the status is 1. "live" says on standard output when it is ready, and
// what it sees, so that the test can hold the time between against its own clock.
import assert from 'node:assert/strict';
import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {kSeconds, kSizes, modules, open, play, visit} from './browser.mjs';

const axe = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');

const pages = (entry) => ({
  now: '#/', users: '#/users', year: '#/users/site?span=year&interval=quarter_hour&measure=energy', devices: '#/devices', device: '#/devices/incomer', meter: '#/devices/furnace', alerts: '#/alerts', history: '#/alerts/history', deliveries: '#/alerts/deliveries',
  ledger: '#/ledger', explanation: `#/ledger/explain/${encodeURIComponent(entry)}`, statements: '#/ledger/statements', seals: '#/ledger/seals', system: '#/system', configuration: '#/system/configuration',
});

const scenarios = {
  // Every page at three sizes, without an exception, a refusal of the content policy, or a request to elsewhere; with a picture.
  async pages(entry, folder) {
    mkdirSync(folder, {recursive: true});
    for (const [size, viewport] of Object.entries(kSizes)) {
      const {context, page, trouble} = await open({viewport});
      for (const [name, hash] of Object.entries(pages(entry))) {
        await visit(page, hash);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(overflow <= 0, `${name} is ${overflow} pixels wider than a ${size} screen`);
        await page.screenshot({path: join(folder, `${name}-${size}.png`), fullPage: size === 'phone'});
      }
      assert.deepEqual(trouble, []);
      await context.close();
    }
  },

  // axe finds nothing that is serious, in either appearance, on a desktop or on a phone.
  async accessible(entry) {
    for (const [colorScheme, size] of [['light', 'desktop'], ['dark', 'phone']]) {
      const {context, page} = await open({viewport: kSizes[size], colorScheme, bypassCSP: true});  // axe comes as an inline script
      for (const [name, hash] of Object.entries(pages(entry))) {
        await visit(page, hash);
        await page.evaluate(axe);
        const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
        const serious = violations.filter((one) => one.impact === 'serious' || one.impact === 'critical');
        assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html}`), [], `${name}, ${size}, ${colorScheme}`);
      }
      await context.close();
    }
  },

  // The browser chooses the language, a click changes it, and the next visit remembers.
  async languages() {
    const {context, page, trouble} = await open({locale: 'zh-CN'});
    await visit(page, '#/users');
    assert.equal(await page.locator('main h1').innerText(), '用能单位');
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
    await page.click('button[lang=en]');
    assert.equal(await page.locator('main h1').innerText(), 'Energy users');
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await visit(page, '#/alerts');
    assert.equal(await page.locator('main h1').innerText(), 'Alerts');
    const text = await page.locator('body').innerText();
    assert.doesNotMatch(text, /\{\w+\}/, 'a word was not filled in');
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // Only the keyboard: from the top of the page to another page, which takes the focus.
  async keyboard() {
    const {context, page} = await open();
    await visit(page, '#/');
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => document.activeElement?.className === 'skip', undefined, {timeout: kSeconds});
    for (let i = 0; i < 30; i += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.getAttribute('href') === '#/devices')) break;
    }
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('main h1')?.textContent === 'Devices', undefined, {timeout: kSeconds});
    await page.waitForFunction(() => document.activeElement?.id === 'content', undefined, {timeout: kSeconds});
    await context.close();
  },

  // Says "ready", then "seen TEXT" once the power of the site is another one than before.
  async live() {
    const {context, page} = await open();
    await visit(page, '#/');
    await page.waitForSelector('[data-stream=live]', {timeout: kSeconds});
    const power = page.locator('.card-power .lead .figure');
    const before = await power.innerText();
    console.log(`ready ${before.replace(/\s+/g, ' ')}`);
    await page.waitForFunction((text) => document.querySelector('.card-power .lead .figure')?.innerText !== text, before, {timeout: kSeconds, polling: 20});
    console.log(`seen ${(await power.innerText()).replace(/\s+/g, ' ')}`);
    await context.close();
  },

  // An alert is acknowledged with a note, and the note stands there for everybody.
  async acknowledge(note) {
    const {context, page, trouble} = await open();
    await visit(page, '#/alerts');
    await page.locator('tbody button', {hasText: 'Acknowledge'}).first().click();
    await page.fill('dialog input[name=note]', note);
    await page.click('dialog button[type=submit]');
    await page.waitForFunction((text) => document.querySelector('main table')?.textContent.includes(text), note, {timeout: kSeconds});
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // A Modbus meter is read now, its frames and how busy its line is are there; a device that sends by itself cannot be asked, and says so. In both languages.
  async device() {
    for (const [locale, read, said, line, never] of [['en-GB', 'Read now', /1 values read in [\d,]+ ms, but: exception 2/, /occupied [\d.]+\u202f?\s?% of the last minute/, 'Sends by itself; it cannot be asked.'],
      ['zh-CN', '立即读取', /读取 1 个值，但：exception 2/, /最近一分钟占用 [\d.]+\s?%/, '该设备主动上报，无法召读。']]) {
      const {context, page, trouble} = await open({locale});
      await visit(page, '#/devices/furnace');
      await page.click(`button:has-text("${read}")`);
      await page.waitForFunction((text) => new RegExp(text).test(document.querySelector('.read-now')?.textContent ?? ''), said.source, {timeout: kSeconds});
      await page.waitForFunction(() => document.querySelectorAll('.frames li').length >= 6, undefined, {timeout: kSeconds});  // of two polls; what was refused is not asked for again at once
      const frames = await page.locator('.frames').innerText();
      assert.match(frames, /00 06 01 03 00 15 00 01/, 'the request');
      assert.match(frames, /00 05 01 03 02 00 15/, 'its answer');
      assert.match(frames, /00 03 01 83 02[^]*exception 2 \(illegal data address\)/, 'what the meter refused');
      assert.match(await page.locator('.facts').innerText(), line);
      await visit(page, '#/devices');
      assert.match(await page.locator('main').innerText(), line);
      await visit(page, '#/devices/incomer');
      assert.ok((await page.locator('.page-head').innerText()).includes(never));
      assert.match(await page.locator('.frames').innerText(), /plant\/incomer[^]*"p": 610/);
      assert.deepEqual(trouble, []);
      await context.close();
    }
  },

  // A number of the ledger opens its explanation, down to the readings.
  async explain() {
    const {context, page, trouble} = await open();
    await visit(page, '#/ledger');
    const number = page.locator('tbody .why').first();
    const amount = (await number.innerText()).split('\u00a0')[0];
    await number.click();
    await page.waitForFunction(() => document.querySelector('main h1')?.textContent === 'Why this figure', undefined, {timeout: kSeconds});
    await page.waitForFunction(() => document.querySelector('.formula-line'), undefined, {timeout: kSeconds});
    const text = await page.locator('main').innerText();
    assert.ok(text.includes(amount), `${amount} is not in its explanation`);
    assert.match(text, /Readings of the meter/);
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // Saves what the links of the ledger and of a statement download, of that day.
  async download(day, folder) {
    const {context, page, trouble} = await open();
    const save = async (hash, text, name) => {
      await visit(page, hash);
      const [file] = await Promise.all([page.waitForEvent('download', {timeout: kSeconds}), page.click(`a[download]:has-text("${text}")`)]);
      await file.saveAs(join(folder, name));
    };
    await save(`#/ledger?from=${day}&until=${day}`, 'Entries (CSV)', 'entries.csv');
    await save(`#/ledger/statements?period=day&day=${day}`, 'CSV', 'statement.csv');
    await save(`#/ledger/statements?period=day&day=${day}`, 'JSON', 'statement.json');
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // What is shown when the gateway is gone, and that all is well when it is back: says "ready", "lost", "back".
  async lost() {
    const {context, page} = await open();
    await visit(page, '#/');
    await page.waitForSelector('[data-stream=live]', {timeout: kSeconds});
    console.log('ready');
    await page.waitForSelector('.banner-bad', {timeout: 2 * kSeconds});
    console.log('lost');
    await page.waitForFunction(() => document.querySelector('[data-stream=live]') && !document.querySelector('.banner-bad'), undefined, {timeout: 3 * kSeconds});
    console.log('back');
    await context.close();
  },

  // Prints as JSON: bytes that came over the wire, milliseconds until the first view stands, and of a year of quarter hours that is asked
  // for on the page of a user: until the gateway has answered, for its picture, and for all of it.
  async weight() {
    const {context, page} = await open();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
    await visit(page, '#/');
    const first = await page.evaluate(() => performance.getEntriesByName('first-view')[0]?.startTime ?? performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint')?.startTime);
    const files = bytes;
    await visit(page, '#/users/hall');
    await page.waitForSelector('.chart-trend[data-drawn-ms]', {timeout: kSeconds});
    const year = await page.evaluate(async () => {
      performance.clearResourceTimings();
      performance.clearResourceTimings();
      const asked = () => performance.getEntriesByType('resource').find((one) => one.name.includes('measure=energy&interval=quarter_hour') && one.responseEnd > 0);
      const chart = () => document.querySelector('.chart-trend[data-drawn-at]');  // another one than before: meanwhile there was none
      const drawn = new Promise((done) => {
        const look = () => (asked() && Number(chart()?.dataset.drawnAt) > asked().responseEnd ? done() : requestAnimationFrame(look));
        look();
      });
      location.hash = '#/users/hall?span=year&interval=quarter_hour&measure=energy';
      await drawn;
      const {startTime, duration} = asked();
      const {drawnMs, drawnAt} = chart().dataset;
      return {asked: duration, drawn: Number(drawnMs), shown: Number(drawnAt) - startTime};
    });
    console.log(JSON.stringify({bytes: files, first_view_ms: Math.round(first), year_asked_ms: Math.round(year.asked), year_drawn_ms: year.drawn, year_shown_ms: Math.round(year.shown)}));
    await context.close();
  },
};

await play(scenarios);
