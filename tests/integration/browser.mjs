// A real browser for tests of the dashboard: what the scripts of its scenarios share.
//
// CARBONGATE_BUILD in the environment names the build, whose modules are used.
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import {join} from 'node:path';

export const modules = createRequire(join(process.env.CARBONGATE_BUILD, 'gateway/web/node_modules/x.js'));
const {chromium} = modules('playwright-core');

export const kSizes = {phone: {width: 390, height: 844}, desktop: {width: 1440, height: 900}, wall: {width: 3840, height: 2160}};
export const kSeconds = 20_000;

export const [scenario, url, ...rest] = process.argv.slice(2);

export const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']});

// A page that reports whatever goes wrong in it: exceptions, refused content, answers that are errors, requests to elsewhere.
// `expected`: statuses of answers that are none of it.
export async function open({expected = [], ...options} = {}) {
  const context = await browser.newContext({viewport: kSizes.desktop, locale: 'en-GB', timezoneId: 'America/New_York', ...options});
  const trouble = [];
  const {page} = await openIn(context, {expected, trouble});
  return {context, page, trouble};
}

// One more page of the same browser session.
export async function openIn(context, {expected = [], trouble = []} = {}) {
  const page = await context.newPage();
  const isExpected = (text) => expected.some((status) => text.includes(`status of ${status}`));
  page.on('pageerror', (error) => trouble.push(`exception: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && !isExpected(message.text()) && trouble.push(`console: ${message.text()}`));
  page.on('request', (request) => request.url().startsWith(url) || trouble.push(`asks ${request.url()}`));
  page.on('response', (answer) => answer.status() >= 400 && !expected.includes(answer.status()) && trouble.push(`${answer.status()} of ${answer.url()}`));
  return {page, trouble};
}

// Until nothing is being loaded or drawn any more.
export async function settled(page) {
  await page.waitForSelector('main h1', {state: 'attached', timeout: kSeconds});
  await page.waitForFunction(() => !document.querySelector('.skeleton') && [...document.querySelectorAll('.chart')].every((one) => one.dataset.ready === 'yes'), undefined, {timeout: kSeconds});
}

export async function visit(page, hash) {
  await page.goto('about:blank');
  await page.goto(`${url}/${hash}`);
  await settled(page);
  const failed = await page.locator('.state-bad').allInnerTexts();
  assert.deepEqual(failed, [], `${hash} shows an error`);
}

// Runs the scenario that the command line asks for, with its arguments.
export async function play(scenarios) {
  try {
    await scenarios[scenario](...rest);
  } finally {
    await browser.close();
  }
}
