import assert from 'node:assert/strict';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {test} from 'node:test';
import {LiveStream, SseParser, type ServerEvent, type StreamState} from '../src/lib/sse.ts';

test('events, comments, ids, and data of several lines', () => {
  const parser = new SseParser();
  const events = parser.push(': hello\n\nid: 7\nevent: now\ndata: {"a":\ndata: 1}\n\ndata:x\n\nevent: empty\n\nid\ndata: y\n\n');
  assert.deepEqual(events, [
    {type: 'now', data: '{"a":\n1}', id: '7'},
    {type: 'message', data: 'x', id: '7'},
    {type: 'message', data: 'y', id: ''},
  ]);
});

test('the same, wherever the text is cut and however its lines end', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const text = `\ufeffid: 1${end}event: alert${end}data: 台账 a${end}data: b${end}${end}retry: 250${end}data: c${end}${end}: x${end}`;
    for (let cut = 0; cut <= text.length; cut += 1) {
      const parser = new SseParser();
      const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
      assert.deepEqual(events, [{type: 'alert', data: '台账 a\nb', id: '1'}, {type: 'message', data: 'c', id: '1'}], `${JSON.stringify(end)} at ${cut}`);
      assert.equal(parser.retry, 250);
    }
  }
});

test('a line without an end does not fill the memory', () => {
  const parser = new SseParser('', 1000);
  assert.throws(() => parser.push('data: ' + 'x'.repeat(2000)), /too long/);
});

// ---- against a server

async function withServer(handle: (request: IncomingMessage, answer: ServerResponse) => void, run: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function watched(url: string, more: {silence?: number; firstWait?: number} = {}) {
  const events: ServerEvent[] = [];
  const states: StreamState[] = [];
  const waiting: {met: () => boolean; go: () => void}[] = [];
  const settle = () => waiting.filter((one) => one.met()).forEach((one) => one.go());
  const stream = new LiveStream({
    url: () => url, firstWait: 5, longestWait: 20, ...more,
    onEvent: (event) => { events.push(event); settle(); },
    onState: (state) => { states.push(state); settle(); },
  });
  const until = (met: () => boolean) => new Promise<void>((resolve, reject) => {
    if (met()) return resolve();
    const timer = setTimeout(() => reject(new Error(`it did not come true; states ${states.join()}, events ${events.length}`)), 5000);
    waiting.push({met, go: () => { clearTimeout(timer); resolve(); }});
    return undefined;
  });
  return {stream, events, states, until};
}

test('after a break it comes back with the last id, and misses nothing', async () => {
  const asked: (string | undefined)[] = [];
  await withServer((request, answer) => {
    const last = request.headers['last-event-id'] as string | undefined;
    asked.push(last);
    answer.writeHead(200, {'Content-Type': 'text/event-stream'});
    const from = Number(last ?? 0);
    answer.write(`id: ${from + 1}\nevent: now\ndata: ${from + 1}\n\nid: ${from + 2}\nevent: now\ndata: ${from + 2}\n\n`);
    setTimeout(() => request.socket.destroy(), 5);
  }, async (url) => {
    const {stream, events, states, until} = watched(url);
    stream.start();
    await until(() => events.length >= 6);
    stream.stop();
    assert.deepEqual(events.slice(0, 6).map((event) => event.data), ['1', '2', '3', '4', '5', '6']);
    assert.deepEqual(asked.slice(0, 3), [undefined, '2', '4']);
    assert.ok(states.includes('lost') && states.includes('live'));
  });
});

test('an event that was cut in two counts only once it is whole', async () => {
  let times = 0;
  await withServer((request, answer) => {
    times += 1;
    answer.writeHead(200, {'Content-Type': 'text/event-stream'});
    if (times === 1) {
      answer.write('id: 1\ndata: whole\n\nid: 2\ndata: ha');
      setTimeout(() => request.socket.destroy(), 10);
    } else {
      answer.write(`data: after ${request.headers['last-event-id']}\n\n`);
    }
  }, async (url) => {
    const {stream, events, until} = watched(url);
    stream.start();
    await until(() => events.length >= 2);
    stream.stop();
    assert.deepEqual(events.map((event) => event.data), ['whole', 'after 1']);
  });
});

test('a connection on which nothing comes is given up', async () => {
  let times = 0;
  await withServer((_, answer) => {
    times += 1;
    answer.writeHead(200, {'Content-Type': 'text/event-stream'});
    answer.write(times === 1 ? ': \n\n' : 'data: again\n\n');
  }, async (url) => {
    const {stream, events, until} = watched(url, {silence: 50});
    stream.start();
    await until(() => events.length >= 1);
    stream.stop();
    assert.equal(events[0]?.data, 'again');
  });
});

test('a refusal is told, and not asked again until somebody says so', async () => {
  let times = 0;
  await withServer((_, answer) => {
    times += 1;
    answer.writeHead(times === 1 ? 401 : 200, {'Content-Type': 'text/event-stream'});
    answer.end(times === 1 ? '' : 'data: in\n\n');
  }, async (url) => {
    const {stream, events, states, until} = watched(url);
    stream.start();
    await until(() => states.includes('refused'));
    assert.equal(times, 1);
    stream.restart();
    await until(() => events.length >= 1);
    stream.stop();
  });
});

test('an error of the server is tried again', async () => {
  let times = 0;
  await withServer((_, answer) => {
    times += 1;
    answer.writeHead(times < 3 ? 503 : 200, {'Content-Type': 'text/event-stream'});
    answer.end(times < 3 ? '' : 'data: back\n\n');
  }, async (url) => {
    const {stream, events, until} = watched(url);
    stream.start();
    await until(() => events.length >= 1);
    stream.stop();
    assert.equal(times, 3);
  });
});
