// The page is what stands behind the "#": "#/devices/incomer?day=2026-11-29". It works below any path and needs nothing of the server.
import {Cell} from './state.ts';

export interface Route {
  path: string[];  // ["devices", "incomer"]
  query: Record<string, string>;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const decode = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  return {path: path.split('/').filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(query))};
}

export function hrefOf(path: string[], query: Record<string, string | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(key, value);
  const text = search.toString();
  return '#/' + path.map(encodeURIComponent).join('/') + (text ? '?' + text : '');
}

export const route = new Cell<Route>({path: [], query: {}});

export function startRouting(): void {
  const read = () => route.set(parseRoute(location.hash));
  addEventListener('hashchange', read);
  read();
}

export function go(path: string[], query: Record<string, string | undefined> = {}): void {
  location.hash = hrefOf(path, query);
}

// Changes what the page shows without a step in the history.
export function replaceQuery(query: Record<string, string | undefined>): void {
  const {path, query: before} = route.value;
  const href = hrefOf(path, {...before, ...query});
  history.replaceState(null, '', href);
  route.set(parseRoute(href));
}
