// What test_dashboard_logins.py has a real browser do, where people have to log in: node logins_browser.mjs SCENARIO URL [ARGUMENT...]
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {browser, kSeconds, kSizes, open, openIn, play, settled, url, visit} from './browser.mjs';

// Before a login, and after it has ended, the page asks and is told so.
const kOutside = [401];

const isOutside = (page) => page.waitForSelector('form.login-card', {timeout: kSeconds});

async function fill(page, user, password) {
  await page.fill('input[name=user]', user);
  await page.fill('input[name=password]', password);
  await page.click('form.login-card button[type=submit]');
}

async function logIn(page, user, password, hash = '#/') {
  await page.goto('about:blank');
  await page.goto(`${url}/${hash}`);
  await isOutside(page);
  await fill(page, user, password);
  await page.waitForSelector('.frame', {timeout: kSeconds});
  await settled(page);
}

// What the page itself would send, with everything that its session has.
const sendFrom = (page, path, body) => page.evaluate(async ([target, content]) => {
  const {csrf} = await (await fetch('api/v1/session')).json();
  const answer = await fetch(`api/v1/${target}`, {method: 'POST', headers: {'X-CSRF-Token': csrf, 'Content-Type': 'application/json'}, body: JSON.stringify(content)});
  return answer.status;
}, [path, body]);

// Until what has arrived has been drawn.
const drawn = (page) => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));

const textOf = async (page) => (await page.locator('body').innerText()).replace(/\s+/g, ' ');

const scenarios = {
  // Nothing is shown to who is not logged in; a wrong password is told, the right one opens the page that was asked for, a reload
  // keeps it, and logging out ends it in every tab.
  async door(user, password, siteName) {
    const {context, page, trouble} = await open({expected: kOutside});
    await page.goto(`${url}/#/users?span=month`);
    await isOutside(page);
    const outside = await textOf(page);
    assert.ok(!outside.includes(siteName) && await page.locator('nav, table').count() === 0, `a stranger sees: ${outside}`);
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'user', undefined, {timeout: kSeconds});

    for (const [name, tried] of [[user, `${password}!`], ['nobody', password]]) {
      await fill(page, name, tried);
      await page.waitForFunction(() => document.querySelector('.login-trouble')?.textContent !== '', undefined, {timeout: kSeconds});
      assert.equal(await page.locator('.login-trouble').innerText(), 'User name or password is wrong.', 'who is there is not told either');
      assert.equal(await page.inputValue('input[name=password]'), '', 'a wrong password does not stay in the field');
      assert.equal(await page.locator('.frame').count(), 0);
    }

    await page.fill('input[name=user]', user);
    await page.fill('input[name=password]', password);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.frame', {timeout: kSeconds});
    await settled(page);
    assert.equal(await page.locator('main h1').innerText(), 'Energy users', 'the page that was asked for');
    assert.equal(await page.locator('.who-name').innerText(), user);
    assert.ok((await textOf(page)).includes(siteName));
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script may read the session');
    const [cookie, ...more] = await context.cookies();
    assert.deepEqual([more.length, cookie.httpOnly, cookie.sameSite, cookie.expires], [0, true, 'Strict', -1]);

    await page.reload();
    await settled(page);
    assert.equal(await page.locator('.who-name').innerText(), user);
    const {page: other} = await openIn(context, {expected: kOutside, trouble});
    await visit(other, '#/');
    await other.waitForSelector('[data-stream=live]', {timeout: kSeconds});

    await page.click('button[aria-label="Log out"]');
    await isOutside(page);
    await isOutside(other);
    await page.goto(`${url}/#/ledger`);
    await isOutside(page);
    assert.equal(await page.locator('.frame').count(), 0);
    assert.deepEqual(await context.cookies(), []);
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // What a role may not do it is not offered, and is refused nevertheless. `may`: "see", "operate" or "administrate".
  async role(user, password, device, may, canRead) {
    const operates = may !== 'see';
    const {context, page, trouble} = await open({expected: [401, 403]});
    await logIn(page, user, password, '#/alerts');
    await page.waitForSelector('main table tbody tr', {timeout: kSeconds});
    const acknowledge = page.locator('main table button', {hasText: 'Acknowledge'});
    assert.equal(await acknowledge.count() > 0, operates, 'acknowledging');
    assert.equal(await page.locator('main table thead th', {hasText: 'Acknowledge'}).count() > 0, operates, 'its column');
    if (!operates) assert.equal(await sendFrom(page, 'alerts/0000000000000000/acknowledgement', {note: 'forced'}), 403);

    const described = page.waitForResponse((answer) => answer.url().endsWith('/openapi.yaml'), {timeout: kSeconds});  // by which pages know what there is
    await visit(page, `#/devices/${device}`);
    await page.waitForSelector('.facts', {timeout: kSeconds});
    await (await described).finished();
    await drawn(page);
    assert.equal(await page.locator('button', {hasText: 'Read now'}).count() > 0, operates && canRead === 'yes', 'reading a device');
    if (!operates && canRead === 'yes') assert.equal(await sendFrom(page, `devices/${device}/read`, {}), 403);

    await visit(page, '#/system');
    const tabs = await page.locator('.tabs a').allInnerTexts();
    assert.equal(tabs.includes('Audit log'), may === 'administrate', `tabs: ${tabs}`);
    await page.goto(`${url}/#/system/audit`);
    await page.waitForSelector(may === 'administrate' ? 'main table tbody tr' : 'main .state-title', {timeout: kSeconds});
    if (may === 'administrate') {
      assert.ok((await textOf(page)).includes(`${user} log in`), await textOf(page));
    } else {
      assert.match(await page.locator('main .state').innerText(), /Your role does not allow this/);
      assert.equal(await page.locator('main table').count(), 0);
    }
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // An operator acknowledges; a viewer who looks at the same time sees by whom.
  async acknowledge(operator, operatorPassword, viewer, viewerPassword, note) {
    const {context, page, trouble} = await open({expected: kOutside});
    await logIn(page, operator, operatorPassword, '#/alerts');
    const beside = await open({expected: kOutside});
    await logIn(beside.page, viewer, viewerPassword, '#/alerts');
    await page.locator('main table button', {hasText: 'Acknowledge'}).first().click();
    await page.fill('dialog input[name=note]', note);
    await page.click('dialog button[type=submit]');
    for (const one of [page, beside.page]) {
      await one.waitForFunction((words) => words.every((word) => document.querySelector('main table')?.textContent.includes(word)), [operator, note], {timeout: kSeconds});
    }
    assert.deepEqual([...trouble, ...beside.trouble], []);
    await beside.context.close();
    await context.close();
  },

  // Says "ready" once a page is live, and "out" once it asks to log in again, without anybody having touched it.
  async removed(user, password) {
    const {context, page, trouble} = await open({expected: kOutside});
    await logIn(page, user, password);
    await page.waitForSelector('[data-stream=live]', {timeout: kSeconds});
    console.log('ready');
    await isOutside(page);
    assert.equal(await page.locator('.frame').count(), 0);
    console.log('out');
    await fill(page, user, password);
    await page.waitForFunction(() => document.querySelector('.login-trouble')?.textContent !== '', undefined, {timeout: kSeconds});
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // A statement on paper: what is left out, that nothing is cut off, and FOLDER/statement-LANG.pdf. Prints the rows of the table.
  async print(user, password, day, folder, locale) {
    const {context, page, trouble} = await open({locale, colorScheme: 'dark', expected: kOutside});
    await logIn(page, user, password, `#/ledger/statements?period=day&day=${day}`);
    await page.waitForSelector('.statement-table tbody tr', {timeout: kSeconds});
    const shown = await page.locator('.statement-table tbody tr').count();
    await page.emulateMedia({media: 'print'});
    for (const part of ['header.top', 'nav.side', '.tabs', '.controls', '.skip', 'main .button']) {
      assert.ok(await page.locator(part).count() > 0, `${part} is not on the page`);
      for (const one of await page.locator(part).all()) assert.equal(await one.isVisible(), false, `${part} is printed`);
    }
    assert.equal(await page.locator('.statement-head h2').isVisible(), true);
    await page.setViewportSize({width: 1016, height: 700});  // what A4 across has between its margins
    const wide = await page.evaluate(() => [...document.querySelectorAll('html, main, .card, .table-box')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => `${one.tagName}.${one.className}: ${one.scrollWidth} in ${one.clientWidth}`));
    assert.deepEqual(wide, [], 'the table is cut off at the right');
    const cut = await page.evaluate(() => [...document.querySelectorAll('.table-box')].filter((one) => one.scrollHeight > one.clientHeight + 1).length);
    assert.equal(cut, 0, 'the table is cut off below');
    const colours = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.statement-table td')).color]);
    assert.deepEqual(colours, ['rgb(255, 255, 255)', 'rgb(0, 0, 0)'], 'dark pages are printed black on white');
    const rows = await page.locator('.statement-table tbody tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
    assert.equal(rows.length, shown);
    await page.pdf({path: join(folder, `statement-${locale}.pdf`), preferCSSPageSize: true, printBackground: true});
    console.log(JSON.stringify(rows));
    assert.deepEqual(trouble, []);
    await context.close();
  },

  // A picture of the login page at each size, and that it is as wide as the screen.
  async pictures(folder) {
    for (const [size, viewport] of Object.entries(kSizes)) {
      const {context, page} = await open({viewport, expected: kOutside});
      await page.goto(url);
      await isOutside(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `${overflow} pixels wider than a ${size} screen`);
      await page.screenshot({path: join(folder, `login-${size}.png`)});
      await context.close();
    }
    assert.equal(browser.contexts().length, 0);
  },
};

await play(scenarios);
