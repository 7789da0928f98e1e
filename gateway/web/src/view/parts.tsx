// Small pieces that pages are made of.
import type {ComponentChildren, JSX} from 'preact';
import {useEffect, useId, useRef} from 'preact/hooks';
import type {ApiError, Query} from '../lib/api.ts';
import type {Severity} from '../lib/api_types.ts';
import {quantity} from '../lib/format.ts';
import {hrefOf, type Route} from '../lib/route.ts';
import {Icon, type IconName} from './icon.tsx';
import {useUi, type Ui} from './ui.ts';

export function Card(props: {title?: ComponentChildren; hint?: ComponentChildren; actions?: ComponentChildren; class?: string; children?: ComponentChildren}): JSX.Element {
  const id = useId();
  return (
    <section class={`card ${props.class ?? ''}`} aria-labelledby={props.title ? id : undefined}>
      {props.title || props.actions
        ? <header class="card-head">
            <div class="card-title">
              {props.title ? <h2 id={id}>{props.title}</h2> : null}
              {props.hint ? <p class="hint">{props.hint}</p> : null}
            </div>
            {props.actions ? <div class="card-actions">{props.actions}</div> : null}
          </header>
        : null}
      {props.children}
    </section>
  );
}

// A figure with its unit, and ± where that is known.
// `atLeast`: u95 is a lower bound.
export function Figure(props: {value: number | null | undefined; unit: string; u95?: number | null | undefined; atLeast?: boolean; digits?: number; class?: string}): JSX.Element {
  const {lang} = useUi();
  const q = quantity(props.value, props.unit, lang, {...(props.digits ? {digits: props.digits} : {}), u95: props.u95});
  return (
    <span class={`figure ${props.class ?? ''}`}>
      <span class="figure-number">{q.number}</span>
      {q.plusMinus ? <span class="figure-pm">{`\u00a0± ${props.atLeast ? '> ' : ''}${q.plusMinus}`}</span> : null}
      {q.unit ? <span class="figure-unit">{`\u00a0${q.unit}`}</span> : null}
    </span>
  );
}

// Behind a rate that is told without a meter that is silent.
export function StaleMark(): JSX.Element {
  const {t} = useUi();
  return <span class="stale-mark text-warning" title={t('users.stale')}><Icon name="warning" /><span class="visually-hidden">{t('users.stale')}</span></span>;
}

export function Badge(props: {tone: 'good' | 'warning' | 'bad' | 'info' | 'plain'; icon?: IconName; children: ComponentChildren}): JSX.Element {
  return <span class={`badge badge-${props.tone}`}>{props.icon ? <Icon name={props.icon} /> : null}{props.children}</span>;
}

export function SeverityBadge(props: {severity: Severity}): JSX.Element {
  const {t} = useUi();
  const tone = props.severity === 'critical' ? 'bad' : props.severity === 'warning' ? 'warning' : 'info';
  return <Badge tone={tone} icon={props.severity}>{t(`alerts.severity.${props.severity}`)}</Badge>;
}

// A bar that is filled to `percent`, with a mark where it ought to be by now.
export function Meter(props: {percent: number | null; mark?: number | null; tone?: 'good' | 'warning' | 'bad'; label: string}): JSX.Element {
  const filled = Math.max(0, Math.min(100, props.percent ?? 0));
  return (
    <svg class={`meter meter-${props.tone ?? 'good'}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={props.label}>
      <rect class="meter-track" width="100" height="6" />
      <rect class="meter-fill" width={filled} height="6" />
      {props.mark !== undefined && props.mark !== null ? <rect class="meter-mark" x={Math.max(0, Math.min(99.4, props.mark - 0.3))} width="0.6" height="6" /> : null}
    </svg>
  );
}

// Parts of a whole, side by side.
export function Shares(props: {parts: {id: string; share: number; colour: string}[]; label: string}): JSX.Element {
  let x = 0;
  return (
    <svg class="shares" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={props.label}>
      <rect class="meter-track" width="100" height="6" />
      {props.parts.map((part) => {
        const at = x;
        x += part.share * 100;
        return <rect key={part.id} x={at} width={Math.max(0, part.share * 100)} height="6" fill={part.colour} />;
      })}
    </svg>
  );
}

export function Swatch(props: {colour: string}): JSX.Element {
  return <svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2.5" fill={props.colour} /></svg>;
}

export function Ring(props: {percent: number | null; label: string}): JSX.Element {
  const length = 2 * Math.PI * 42;
  const share = Math.max(0, Math.min(100, props.percent ?? 0)) / 100;
  return (
    <svg class="ring" viewBox="0 0 100 100" role="img" aria-label={props.label}>
      <circle class="ring-track" cx="50" cy="50" r="42" />
      {share > 0 ? <circle class="ring-fill" cx="50" cy="50" r="42" stroke-dasharray={`${length * share} ${length}`} transform="rotate(-90 50 50)" /> : null}
    </svg>
  );
}

// A line without axes, for the trend of the last minutes.
export function Spark(props: {values: readonly number[]; label: string}): JSX.Element {
  const {values} = props;
  const low = Math.min(...values);
  const high = Math.max(...values);
  // A change of less than a twentieth looks like one: small noise is not stretched over the whole height.
  const span = Math.max(high - low, Math.abs(high) * 0.05) || 1;
  const base = (high + low) / 2 - span / 2;
  const at = (v: number, i: number) => `${((i / Math.max(1, values.length - 1)) * 300).toFixed(1)},${(46 - ((v - base) / span) * 40).toFixed(1)}`;
  const line = values.map(at).join(' ');
  return (
    <svg class="spark" viewBox="0 0 300 50" preserveAspectRatio="none" role="img" aria-label={props.label}>
      {values.length > 1
        ? <>
            <polygon class="spark-area" points={`0,50 ${line} 300,50`} />
            <polyline class="spark-line" points={line} />
          </>
        : null}
    </svg>
  );
}

// ---- states

export function Empty(props: {title: string; hint?: string; icon?: IconName; children?: ComponentChildren}): JSX.Element {
  return (
    <div class="state">
      <Icon name={props.icon ?? 'empty'} />
      <p class="state-title">{props.title}</p>
      {props.hint ? <p class="hint"><Code text={props.hint} /></p> : null}
      {props.children}
    </div>
  );
}

// `like this` in a text is set as code.
export function Code(props: {text: string}): JSX.Element {
  return <>{props.text.split('`').map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

export function Loading(props: {lines?: number}): JSX.Element {
  const {t} = useUi();
  return (
    <div class="skeleton" role="status" aria-label={t('state.loading')}>
      {Array.from({length: props.lines ?? 4}, (_, i) => <span key={i} class="skeleton-line" />)}
    </div>
  );
}

export function whyText(error: ApiError, ui: Ui): string {
  if (error.status === 0) return ui.t('state.unreachable');
  return error.detail || error.title || `HTTP ${error.status}`;
}

export function Failed(props: {error: ApiError; retry: () => void}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  if (props.error.status === 403) return <Empty icon="lock" title={t('state.forbidden')} hint={props.error.detail} />;
  const unreachable = props.error.status === 0 || props.error.status >= 502;
  return (
    <div class="state state-bad" role="alert">
      <Icon name="critical" />
      <p class="state-title">{t(unreachable ? 'state.unreachable' : 'state.failed')}</p>
      <p class="hint">{unreachable ? t('state.unreachable.hint') : whyText(props.error, ui)}</p>
      <button type="button" class="button" onClick={props.retry}>{t('state.retry')}</button>
    </div>
  );
}

// The four states of what is asked for. Data that are there stay, with a line above that says why they are old.
export function Loaded<T>(props: {query: Query<T>; lines?: number; children: (data: T) => ComponentChildren}): JSX.Element {
  const ui = useUi();
  const {data, error, reload} = props.query;
  if (data === undefined) return error ? <Failed error={error} retry={reload} /> : <Loading {...(props.lines ? {lines: props.lines} : {})} />;
  return (
    <>
      {error
        ? <p class="stale" role="status">
            <Icon name="warning" /> {ui.t('state.old', {why: whyText(error, ui)})} <button type="button" class="link" onClick={reload}>{ui.t('state.retry')}</button>
          </p>
        : null}
      {props.children(data)}
    </>
  );
}

export function More(props: {more: (() => void) | undefined; loading: boolean}): JSX.Element | null {
  const {t} = useUi();
  if (!props.more) return null;
  return <div class="more"><button type="button" class="button" disabled={props.loading} onClick={props.more}>{t('state.more')}</button></div>;
}

// ---- controls

export function Choice<T extends string>(props: {label: string; value: T; options: {value: T; text: string; disabled?: boolean}[]; onChange: (value: T) => void}): JSX.Element {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      <div class="choice-row">
        {props.options.map((one) => (
          <button key={one.value} type="button" aria-pressed={one.value === props.value} disabled={one.disabled} onClick={() => props.onChange(one.value)}>{one.text}</button>
        ))}
      </div>
    </fieldset>
  );
}

export function Select<T extends string>(props: {label: string; value: T; options: {value: T; text: string}[]; onChange: (value: T) => void}): JSX.Element {
  return (
    <label class="field">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as T)}>
        {props.options.map((one) => <option key={one.value} value={one.value}>{one.text}</option>)}
      </select>
    </label>
  );
}

export function Tabs(props: {label: string; current: string; route: Route; tabs: {id: string; text: string; path: string[]; count?: number}[]}): JSX.Element {
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map((tab) => (
        <a key={tab.id} href={hrefOf(tab.path)} aria-current={tab.id === props.current ? 'page' : undefined}>
          {tab.text}{tab.count ? <span class="count">{tab.count}</span> : null}
        </a>
      ))}
    </nav>
  );
}

// The browser's own dialog: it keeps the focus inside, closes by Escape, and gives the focus back.
export function Dialog(props: {title: string; onClose: () => void; children: ComponentChildren; wide?: boolean}): JSX.Element {
  const {t} = useUi();
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={box} class={props.wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={id} onClose={props.onClose} onClick={(event) => event.target === box.current && props.onClose()}>
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={id}>{props.title}</h2>
          <button type="button" class="icon-button" aria-label={t('common.close')} onClick={props.onClose}><Icon name="close" /></button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
