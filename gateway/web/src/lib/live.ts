// What the gateway tells by itself: one stream for the whole page, and cells that views watch.
import {apiUrl, comebacks, get, session} from './api.ts';
import type {Alert, DeviceState, Now, Sink} from './api_types.ts';
import {LiveStream, type ServerEvent, type StreamState} from './sse.ts';
import {Cell} from './state.ts';

export interface LiveReading {
  point: string;
  at: string;
  value: number | null;
  unit: string;
  quality: string | null;
  rule: string;
}

export const now = new Cell<Now | undefined>(undefined);
export const heardAt = new Cell<number>(0);  // when the page last heard of it, in the browser's clock
export const streamState = new Cell<StreamState>('connecting');
export const deviceStates = new Cell<ReadonlyMap<string, DeviceState>>(new Map());
export const sinks = new Cell<Sink[] | undefined>(undefined);
export const readings = new Cell<ReadonlyMap<string, LiveReading>>(new Map());
export const alertChanges = new Cell<Alert | undefined>(undefined);
export const resets = new Cell<number>(0);  // counts up whenever something was missed: load again
export const rateHistory = new Cell<readonly {at: number; rate: number}[]>([]);

// What time it is by the gateway's clock: the browser's may be wrong.
export function gatewayTime(): number {
  return now.value ? Date.parse(now.value.at) + (Date.now() - heardAt.value) : Date.now();
}

const kHistoryMilliseconds = 15 * 60_000;
const kHistoryLength = 900;
const kLongestWait = 4_000;  // milliseconds: a gateway that starts again is seen so soon

// Browsers allow six connections to a server, for all tabs together. So four of them may stream; a further one asks now and
// then, until there is a place; and one that is not seen gives up its own after a while.
const kPlaces = 4;
const kAskEvery = 4_000;  // milliseconds
const kHiddenFor = 10_000;

function takeNow(value: Now): void {
  heardAt.set(Date.now());
  now.set(value);
  const at = Date.parse(value.at);
  const kept = rateHistory.value.filter((one) => one.at > at - kHistoryMilliseconds && one.at < at);
  if (value.co2e_kg_per_h === null) rateHistory.set(kept);  // all meters are silent
  else rateHistory.set([...kept.slice(1 - kHistoryLength), {at, rate: value.co2e_kg_per_h}]);
}

function take(event: ServerEvent): void {
  if (event.type === 'reset') {
    resets.set(resets.value + 1);
    void get<Now>(['now']).then(takeNow, () => undefined);
    return;
  }
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch {
    return;
  }
  if (event.type === 'now') takeNow(data as Now);
  if (event.type === 'alert') alertChanges.set(data as Alert);
  if (event.type === 'sinks') sinks.set((data as {sinks: Sink[]}).sinks);
  if (event.type === 'devices') {
    const known = new Map(deviceStates.value);
    for (const device of (data as {devices: DeviceState[]}).devices) known.set(device.id, device);
    deviceStates.set(known);
  }
  if (event.type === 'readings') {
    const known = new Map(readings.value);
    for (const reading of (data as {readings: LiveReading[]}).readings) known.set(reading.point, reading);
    readings.set(known);
  }
}

let points: string[] = [];
let lost = false;

const stream = new LiveStream({
  url: () => apiUrl(['stream'], {points: points.slice(0, 200).join(',')}),
  onEvent: take,
  longestWait: kLongestWait,
  onState: (state) => {
    streamState.set(state);
    if (state === 'lost') lost = true;
    if (state === 'live' && lost) {
      lost = false;
      comebacks.set(comebacks.value + 1);
    }
    if (state === 'refused') void get<NonNullable<typeof session.value>>(['session']).then((s) => session.set(s), () => undefined);
  },
});

// At the start, before the page is drawn: what the first view shows is on its way with the code.
export function startLive(): void {
  void get<Now>(['now']).then((value) => now.value === undefined && takeNow(value), () => undefined);
  document.addEventListener('visibilitychange', pauseWhileHidden);
  void begin();
}

let running = false;
let leavePlace: (() => void) | undefined;
let asking: ReturnType<typeof setTimeout> | undefined;

// Where there are no locks (they need a secure context) every tab streams.
async function takePlace(): Promise<boolean> {
  if (!navigator.locks) return true;
  for (let i = 0; i < kPlaces; i += 1) {
    const taken = await new Promise<boolean>((resolve) => {
      void navigator.locks.request(`stream-${i}`, {ifAvailable: true}, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<void>((leave) => { leavePlace = leave; });
      });
    });
    if (taken) return true;
  }
  return false;
}

async function begin(): Promise<void> {
  if (running) return;
  running = true;
  await streamOrAsk();
}

async function streamOrAsk(): Promise<void> {
  const taken = await takePlace();
  if (!running) {
    leavePlace?.();
    leavePlace = undefined;
  } else if (taken) {
    stream.start();
  } else {
    asking = setTimeout(() => {
      resets.set(resets.value + 1);
      void get<Now>(['now']).then((value) => { takeNow(value); streamState.set('live'); }, () => streamState.set('lost'));
      void streamOrAsk();
    }, kAskEvery);
  }
}

function end(): void {
  running = false;
  clearTimeout(asking);
  stream.stop();
  leavePlace?.();
  leavePlace = undefined;
}

let hidden: ReturnType<typeof setTimeout> | undefined;

function pauseWhileHidden(): void {
  clearTimeout(hidden);
  if (document.visibilityState === 'visible') void begin();  // goes on after the last event heard
  else hidden = setTimeout(end, kHiddenFor);
}

export function stopLive(): void {
  clearTimeout(hidden);
  document.removeEventListener('visibilitychange', pauseWhileHidden);
  end();
  now.set(undefined);
}

// The points whose readings a page shows. An empty list asks for none.
export function watchPoints(wanted: string[]): void {
  if (wanted.join() === points.join()) return;
  points = wanted;
  if (wanted.length > 0 && running && (leavePlace || !navigator.locks)) stream.restart();
}
