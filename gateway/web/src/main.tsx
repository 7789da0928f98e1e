// The dashboard. Everything that the first view shows is asked for at once, before anything is drawn.
import {render, type JSX} from 'preact';
import {useEffect} from 'preact/hooks';
import {get, session} from './lib/api.ts';
import type {Session, Site} from './lib/api_types.ts';
import {startLive, stopLive} from './lib/live.ts';
import {startRouting} from './lib/route.ts';
import {startSettings} from './lib/settings.ts';
import {site} from './lib/site.ts';
import {Cell, useCell} from './lib/state.ts';
import {Login} from './pages/login.tsx';
import {Layout} from './view/layout.tsx';
import {Failed, Loading} from './view/parts.tsx';
import {ApiError} from './lib/api.ts';

const failure = new Cell<ApiError | undefined>(undefined);

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, '', String(error));
}

let enteredAs: string | undefined;

async function enter(): Promise<void> {
  startLive();
  try {
    site.set(await get<Site>(['site']));
    failure.set(undefined);
  } catch (error) {
    failure.set(asApiError(error));
  }
}

async function start(): Promise<void> {
  failure.set(undefined);
  const early = get<Site>(['site']).then((value) => value, () => undefined);
  try {
    session.set(await get<Session>(['session']));
  } catch (error) {
    failure.set(asApiError(error));
    return;
  }
  const known = await early;
  if (known) site.set(known);
}

function App(): JSX.Element {
  const who = useCell(session);
  const here = useCell(site);
  const failed = useCell(failure);
  const inside = who !== undefined && who.role !== null;
  const name = inside ? who.user ?? '' : undefined;
  useEffect(() => {
    if (name === undefined) {
      if (enteredAs !== undefined) stopLive();
      enteredAs = undefined;
      return;
    }
    if (enteredAs === name) return;
    enteredAs = name;
    if (site.value) startLive();
    else void enter();
  }, [name]);

  if (failed && !here) return <main class="alone"><Failed error={failed} retry={() => void (who ? enter() : start())} /></main>;
  if (who && !inside) return <Login />;
  if (!who || !here) return <main class="alone"><Loading lines={5} /></main>;
  return <Layout />;
}

startSettings();
startRouting();
const root = document.getElementById('app');
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
void start();
setInterval(() => {
  if (failure.value && !site.value) void (session.value?.role ? enter() : start());
}, 5000);
