// Asks the gateway. Paths are relative, so the page also works behind a proxy that puts it below a path of its own.
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';
import type {Session} from './api_types.ts';
import {Cell, useCell} from './state.ts';

export class ApiError extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string) {  // status 0: no answer at all
    super(detail || title);
  }
}

export const session = new Cell<Session | undefined>(undefined);
export const comebacks = new Cell<number>(0);  // counts up when the gateway answers again

const base = 'api/v1';

export function apiUrl(path: string[], query: Record<string, string | number | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(key, String(value));
  const text = search.toString();
  return [base, ...path.map(encodeURIComponent)].join('/') + (text ? '?' + text : '');
}

async function problemOf(answer: Response): Promise<ApiError> {
  let title = answer.statusText;
  let detail = '';
  try {
    const problem = await answer.json() as {title?: unknown; detail?: unknown};
    if (typeof problem.title === 'string') title = problem.title;
    if (typeof problem.detail === 'string') detail = problem.detail;
  } catch {
    // Not from the gateway, as of a proxy: its status has to do.
  }
  return new ApiError(answer.status, title, detail);
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, {credentials: 'same-origin', ...init});
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, '', '');
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  // The session is over: the login page takes its place.
  if (problem.status === 401 && session.value?.logins && session.value.role) session.set({...session.value, user: null, role: null});
  throw problem;
}

export async function get<T>(path: string[], query: Record<string, string | number | undefined> = {}, signal?: AbortSignal): Promise<T> {
  const answer = await ask(apiUrl(path, query), {headers: {Accept: 'application/json'}, ...(signal ? {signal} : {})});
  return await answer.json() as T;
}

export async function getText(path: string[], query: Record<string, string | number | undefined> = {}, signal?: AbortSignal): Promise<string> {
  return await (await ask(apiUrl(path, query), signal ? {signal} : {})).text();
}

export async function send(method: 'POST' | 'DELETE', path: string[], body?: unknown): Promise<Response> {
  const headers: Record<string, string> = {};
  if (session.value?.csrf) headers['X-CSRF-Token'] = session.value.csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return await ask(apiUrl(path), {method, headers, ...(body === undefined ? {} : {body: JSON.stringify(body)})});
}

// ---- in views

// Whether this gateway's API has that path, by its own description: another version, or another build, may not.
export function useHas(path: string): boolean {
  const description = useQuery('openapi.yaml', (signal) => getText(['openapi.yaml'], {}, signal));
  return description.data?.includes(`\n  ${path}:`) ?? false;
}

export interface Query<T> {
  data: T | undefined;  // stays while it is asked for again, and when that fails: then `error` is there too
  error: ApiError | undefined;
  loading: boolean;
  reload: () => void;
}

// Asks when the key changes, and every `every` milliseconds while the page is seen. No key: nothing is asked.
export function useQuery<T>(key: string | undefined, load: (signal: AbortSignal) => Promise<T>, every?: number): Query<T> {
  const [state, setState] = useState<{key: string | undefined; data: T | undefined; error: ApiError | undefined; loading: boolean}>({
    key: undefined, data: undefined, error: undefined, loading: key !== undefined,
  });
  const [turn, setTurn] = useState(0);
  const current = useRef(load);
  current.current = load;
  useEffect(() => {
    if (key === undefined) return undefined;
    const abort = new AbortController();
    setState((s) => ({key, data: s.key === key ? s.data : undefined, error: undefined, loading: true}));
    current.current(abort.signal).then(
      (data) => !abort.signal.aborted && setState({key, data, error: undefined, loading: false}),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = error instanceof ApiError ? error : new ApiError(0, '', String(error));
        setState((s) => ({...s, error: problem, loading: false}));
      });
    return () => abort.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const comeback = useCell(comebacks);
  useEffect(() => {
    if (state.error && key !== undefined) reload();
  }, [comeback]);
  useEffect(() => {
    if (!every || key === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, every);
    return () => clearInterval(timer);
  }, [every, key, reload]);
  return {data: state.key === key ? state.data : undefined, error: state.error, loading: state.loading || state.key !== key, reload};
}

// Pages of a list, joined.
export interface PagedQuery<Row> extends Query<Row[]> {
  more: (() => void) | undefined;
  loadingMore: boolean;
}

export function usePages<Row>(key: string | undefined, load: (cursor: string | undefined, signal: AbortSignal) => Promise<{rows: Row[]; next: string | null}>, every?: number): PagedQuery<Row> {
  const first = useQuery(key, (signal) => load(undefined, signal), every);
  const [rest, setRest] = useState<{of: unknown; rows: Row[]; next: string | null; error: ApiError | undefined}>({of: undefined, rows: [], next: null, error: undefined});
  const [loadingMore, setLoading] = useState(false);
  const here = rest.of === first.data ? rest : undefined;
  const next = here ? here.next : first.data?.next ?? null;
  const more = next === null ? undefined : () => {
    setLoading(true);
    load(next, new AbortController().signal).then(
      (page) => setRest({of: first.data, rows: [...(here?.rows ?? []), ...page.rows], next: page.next, error: undefined}),
      (error: unknown) => setRest({of: first.data, rows: here?.rows ?? [], next, error: error instanceof ApiError ? error : new ApiError(0, '', String(error))}),
    ).finally(() => setLoading(false));
  };
  return {
    data: first.data ? [...first.data.rows, ...(here?.rows ?? [])] : undefined,
    error: first.error ?? here?.error, loading: first.loading, reload: first.reload, more, loadingMore,
  };
}
