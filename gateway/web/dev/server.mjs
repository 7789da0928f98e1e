// Serves dist and the figures of park.mjs, with the headers that the gateway sends.
//
//   node dev/server.mjs [--port 8081] [--logins] [--empty] [--silent]     --empty: a site on its first morning; --silent: a meter is silent
import {createServer} from 'node:http';
import {readFileSync, existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as books from './books.mjs';
import * as park from './park.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const flag = (name) => process.argv.includes(name);
const argument = (name, otherwise) => (flag(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const offset = flag('--at') ? Date.parse(argument('--at')) - Date.now() : 0;  // a time of day at which the sun shines
const clock = () => Date.now() + offset;
const started = clock();
const types = {html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', txt: 'text/plain; charset=utf-8'};
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
let loggedIn = !flag('--logins');

const json = (answer, value, status = 200) => {
  answer.writeHead(status, {'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json', 'Cache-Control': 'no-store'});
  answer.end(JSON.stringify(value));
};
const problem = (answer, status, title, detail = '') => json(answer, {type: 'about:blank', title, status, detail}, status);
const page = (rows, key, query) => {
  const limit = Number(query.get('limit') ?? 100);
  const at = Number(query.get('cursor') ?? 0);
  return {[key]: rows.slice(at, at + limit), next: at + limit < rows.length ? String(at + limit) : null};
};

function emptied(now) {
  return {...now, data_age_s: null, oldest_age_s: null, stale_points: now.accounted_points, stale: ['press-shop'].map((id) => ({point: `${id}.energy`, device: id, energy_users: [id], age_s: null, offline: false})), co2e_kg_per_h: null, power_kw: null, sources: now.sources.map((s) => ({...s, power_kw: null, rate: null, co2e_kg_per_h: null, g_co2e_per_kwh: null, stale: true})), today: {...now.today, electricity_kwh: 0, kgce: 0, co2e_kg: 0, u95_kg: null, u95_stated: 'none', renewable_share_percent: null, coverage_percent: 0}, quotas: [], renewable_share_percent: null, grid: null, flows: {nodes: [], links: []}, alerts: {info: 0, warning: 0, critical: 0}};
}
// Without the meter of one user.
function silenced(now) {
  const id = 'press-shop';
  const of = now.flows.links.filter((link) => link.target === `user:${id}`);
  const without = (s) => {
    const link = of.find((one) => one.source === `source:${s.id}`);
    return link ? {...s, power_kw: s.power_kw - link.power_kw, rate: s.rate - link.power_kw, co2e_kg_per_h: s.co2e_kg_per_h - (link.power_kw * link.g_co2e_per_kwh) / 1000, stale: true} : s;
  };
  const sources = now.sources.map(without);
  return {
    ...now, oldest_age_s: 312.5, stale_points: 1, stale: [{point: `${id}.energy`, device: id, energy_users: [id], age_s: 312.5, offline: true}], renewable_share_percent: null,
    power_kw: now.power_kw - of.reduce((sum, link) => sum + link.power_kw, 0), co2e_kg_per_h: sources.reduce((sum, s) => sum + s.co2e_kg_per_h, 0), sources,
    flows: {nodes: now.flows.nodes.map((node) => ({...node, stale: node.id === `user:${id}` || of.some((link) => link.source === node.id)})), links: now.flows.links.filter((link) => !of.includes(link))},
  };
}
function silencedUsers(told) {
  return {...told, energy_users: told.energy_users.map((user) => (user.id === 'press-shop' ? {...user, power_kw: null, co2e_kg_per_h: null, stale: true, carriers: user.carriers.map((c) => ({...c, rate: null, stale: true}))} : user.id === 'site' ? {...user, stale: true} : user))};
}
const nowOf = (t) => (flag('--empty') ? emptied(park.now(t)) : flag('--silent') ? silenced(park.now(t)) : park.now(t));

function stream(request, answer, query) {
  answer.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
  let id = Number(request.headers['last-event-id'] ?? 0);
  const points = (query.get('points') ?? '').split(',').filter(Boolean);
  const send = (type, data) => answer.write(`id: ${++id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  let n = 0;
  const beat = () => {
    const t = clock();
    send('now', nowOf(t));
    if (points.length) send('readings', {readings: park.liveReadings(points, t)});
    if (n % 5 === 0) {
      send('sinks', books.sinks(t));
      send('devices', {devices: park.deviceStates(t, started)});
    }
    n += 1;
  };
  beat();
  const timer = setInterval(beat, 1000);
  request.on('close', () => clearInterval(timer));
}

function api(request, answer, path, query) {
  const t = clock();
  const [first, second, third] = path;
  const from = Date.parse(query.get('from') ?? '');
  const until = Date.parse(query.get('until') ?? '');
  if (first === 'session') {
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => { body += chunk; });
      request.on('end', () => {
        if (JSON.parse(body).password !== 'secret') return problem(answer, 401, 'Unauthorized', 'user or password is wrong');
        loggedIn = true;
        return json(answer, {user: 'admin', role: 'administrator', logins: true, csrf: 'x', expires: new Date(t + 3.6e6).toISOString()});
      });
      return undefined;
    }
    if (request.method === 'DELETE') {
      loggedIn = false;
      answer.writeHead(204);
      return answer.end();
    }
    return json(answer, flag('--logins') ? {user: loggedIn ? 'admin' : null, role: loggedIn ? 'administrator' : null, logins: true, csrf: 'x'} : {user: null, role: 'administrator', logins: false});
  }
  if (!loggedIn) return problem(answer, 401, 'Unauthorized', 'log in first');
  if (first === 'openapi.yaml') return answer.end('paths:\n  /devices/{id}/frames:\n  /devices/{id}/read:\n  /audit:\n');
  if (first === 'site') return json(answer, park.site());
  if (first === 'now') return json(answer, nowOf(t));
  if (first === 'stream') return stream(request, answer, query);
  if (first === 'energy-users' && third === 'series') return json(answer, park.series(second, query.get('measure') ?? 'energy', query.get('interval') ?? 'hour', from, until, query.get('scope'), t));
  if (first === 'energy-users') return json(answer, flag('--silent') ? silencedUsers(park.energyUsers(t)) : park.energyUsers(t));
  if (first === 'devices' && !second) return json(answer, park.drivers(t, started));
  if (first === 'devices' && third === 'coverage') return json(answer, park.coverage(second, from, until, t));
  if (first === 'devices' && third === 'frames') return json(answer, park.frames(second, t));
  if (first === 'devices' && third === 'read') return json(answer, park.readNow(second, t, started));
  if (first === 'devices') {
    const device = park.device(second, t, started);
    return device ? json(answer, device) : problem(answer, 404, 'Not found', `there is no device ${second}`);
  }
  if (first === 'points') return json(answer, park.readings(second, from, until, Number(query.get('points') ?? 500)));
  if (first === 'alerts' && third === 'acknowledgement') {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    return request.on('end', () => { books.acknowledge(second, JSON.parse(body || '{}').note ?? ''); answer.writeHead(202); answer.end(); });
  }
  if (first === 'alerts') return json(answer, page(flag('--empty') ? [] : books.alerts(t, query.get('state') ?? 'active'), 'alerts', query));
  if (first === 'deliveries') return json(answer, page(flag('--empty') ? [] : books.deliveries(t), 'deliveries', query));
  if (first === 'ledger' && second === 'seals') { const all = books.seals(t); return json(answer, {...all, ...page(all.seals, 'seals', query)}); }
  if (first === 'ledger' && path[3] === 'explanation') return json(answer, books.explanation(third, t));
  if (first === 'ledger') return json(answer, page(flag('--empty') ? [] : books.entries(query, t), 'entries', query));
  if (first === 'statements') return json(answer, books.statement(second, query.get('by') ?? 'user'));
  if (first === 'sinks') return json(answer, books.sinks(t));
  if (first === 'status') return json(answer, books.status(t, started));
  if (first === 'configuration') return json(answer, books.configuration);
  if (first === 'audit') return json(answer, page(books.audit(t), 'events', query));
  return problem(answer, 404, 'Not found');
}

createServer((request, answer) => {
  const url = new URL(request.url, 'http://localhost');
  answer.setHeader('Content-Security-Policy', policy);
  answer.setHeader('X-Content-Type-Options', 'nosniff');
  const path = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  if (path[0] === 'api' && path[1] === 'v1') return api(request, answer, path.slice(2), url.searchParams);
  const file = join(dist, path[0] ?? 'index.html');
  if (path.length > 1 || !existsSync(file)) return problem(answer, 404, 'Not found');
  answer.setHeader('Content-Type', types[file.split('.').pop()] ?? 'application/octet-stream');
  return answer.end(readFileSync(file));
}).listen(Number(argument('--port', '8081')), '127.0.0.1', () => console.log(`http://127.0.0.1:${argument('--port', '8081')}/`));
