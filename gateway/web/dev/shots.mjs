// Screenshots of every page at three sizes: node dev/shots.mjs --url http://127.0.0.1:8081 --out DIR [--only NAME] [--lang zh] [--dark]
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {chromium} from 'playwright-core';

const argument = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const url = argument('--url', 'http://127.0.0.1:8081');
const out = argument('--out', 'shots');
const only = argument('--only', '');
const sizes = argument('--sizes', 'phone,desktop,wall').split(',');
const lang = argument('--lang', 'en');
const dark = process.argv.includes('--dark');
const all = {phone: {width: 390, height: 844}, desktop: {width: 1440, height: 900}, wall: {width: 3840, height: 2160}};
const entry = argument('--entry', '');
const pages = {
  now: '#/', users: '#/users', 'users-year': '#/users/rolling-shop?span=year&interval=day&compare=before', devices: '#/devices', device: '#/devices/' + argument('--device', 'incomer'), alerts: '#/alerts', history: '#/alerts/history', deliveries: '#/alerts/deliveries', ledger: '#/ledger', statement: '#/ledger/statements', seals: '#/ledger/seals',
  explanation: '#/ledger/explain/' + encodeURIComponent(entry || 'rolling-shop/electricity/rolling-shop.active_energy_import@2026-11-29T00:00:00Z#0'), system: '#/system', configuration: '#/system/configuration', audit: '#/system/audit',
};

mkdirSync(out, {recursive: true});
const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']});
for (const size of sizes) {
  const context = await browser.newContext({viewport: all[size], locale: lang === 'zh' ? 'zh-CN' : 'en-GB', colorScheme: dark ? 'dark' : 'light', isMobile: size === 'phone', hasTouch: size === 'phone'});
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && console.log(`${size}: ${message.text()}`));
  page.on('pageerror', (error) => console.log(`${size}: ${error.message}`));
  for (const [name, hash] of Object.entries(pages)) {
    if (only && !only.split(',').includes(name)) continue;
    process.stdout.write(`${size} ${name}\n`);
    await page.goto(`${url}/${hash}`);
    await page.reload();
    await page.waitForSelector('main h1', {state: 'attached', timeout: 8000}).catch(async () => console.log(`${size} ${name}: no heading`, (await page.locator('#app').innerHTML()).slice(0, 3000)));
    await page.waitForFunction(() => !document.querySelector('.skeleton') && [...document.querySelectorAll('.chart')].every((c) => c.dataset.ready === 'yes'), undefined, {timeout: 15_000}).catch(() => console.log(`${size} ${name}: not ready`));
    await page.waitForTimeout(400);
    await page.screenshot({path: join(out, `${name}-${size}${dark ? '-dark' : ''}.png`), fullPage: size === 'phone'});
  }
  await context.close();
}
await browser.close();
