// What is wrong, what was, and who was told.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {ApiError, get, send, session, usePages} from '../lib/api.ts';
import type {Alert, Delivery, Page} from '../lib/api_types.ts';
import {isKnown} from '../lib/format.ts';
import {alertChanges, now, resets} from '../lib/live.ts';
import {route} from '../lib/route.ts';
import {nameOf} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import {STATE_UNIT, alertValue} from '../view/alert_value.ts';
import {Badge, Card, Dialog, Empty, Loaded, More, SeverityBadge, Tabs, whyText} from '../view/parts.tsx';
import {Table, type ColumnOf} from '../view/table.tsx';
import {useClock, useUi, type Ui} from '../view/ui.ts';

function AlertState(props: {state: Alert['state']}): JSX.Element {
  const {t} = useUi();
  const tone = props.state === 'firing' ? 'bad' : props.state === 'acknowledged' ? 'info' : props.state === 'resolved' ? 'good' : 'plain';
  return <Badge tone={tone}>{t(`alerts.state.${props.state}`)}</Badge>;
}

function Acknowledge(props: {alert: Alert; onClose: () => void; onDone: () => void}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const [note, setNote] = useState('');
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await send('POST', ['alerts', props.alert.id, 'acknowledgement'], note.trim() ? {note: note.trim()} : {});
      props.onDone();
    } catch (error) {
      setTrouble(t('alerts.acknowledge.failed', {why: error instanceof ApiError ? whyText(error, ui) : String(error)}));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('alerts.acknowledge.title', {name: nameOf(props.alert, ui.lang) || props.alert.rule})} onClose={props.onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <p class="hint">{props.alert.subject} · {t('devices.since', {time: ui.time(props.alert.since)})}</p>
        <label class="field">
          <span>{t('alerts.acknowledge.note')}</span>
          <input name="note" autofocus maxLength={1000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        <p class="hint">{t('alerts.acknowledge.hint')}</p>
        <p class="login-trouble" role="alert">{trouble}</p>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={props.onClose}>{t('common.cancel')}</button>
          <button type="submit" class="button button-main" disabled={busy}>{t('alerts.acknowledge')}</button>
        </div>
      </form>
    </Dialog>
  );
}

function columnsOf(ui: Ui, at: number, acknowledge: ((alert: Alert) => void) | undefined): ColumnOf<Alert>[] {
  const {t} = ui;
  return [
    {id: 'severity', title: t('alerts.severity'), cell: (one) => <SeverityBadge severity={one.severity} />},
    {id: 'name', title: t('alerts.name'), header: true, cell: (one) => <>{nameOf(one, ui.lang) || one.rule}{one.cause ? <span class="hint block">{one.cause}</span> : null}{one.suppressed > 0 ? <span class="hint block">{t('alerts.suppressed', {n: one.suppressed})}</span> : null}</>},
    {id: 'subject', title: t('alerts.subject'), cell: (one) => <>{one.subject}{one.energy_user_name ? <span class="hint block">{one.energy_user_name}</span> : null}</>},
    {
      id: 'value', title: t('alerts.value'), number: true,
      cell: (one) => <>{alertValue(one, ui) ?? '–'}{isKnown(one.limit) && one.unit !== STATE_UNIT ? <span class="hint block">{t('alerts.limit', {limit: ui.quantity(one.limit, one.unit)})}</span> : null}{one.period_begin ? <span class="hint block">{ui.time(one.period_begin)} – {ui.time(one.period_end)}</span> : null}{one.coverage_percent === null ? null : <span class="hint block">{t('alerts.coverage', {percent: ui.percent(one.coverage_percent, 1)})}</span>}</>,
    },
    {id: 'since', title: t('alerts.since'), number: true, cell: (one) => <span title={ui.time(one.since, 'full')}>{ui.time(one.since)}<span class="hint block">{ui.ago(one.since, at)}</span></span>},
    {
      id: 'state', title: t('alerts.state'),
      cell: (one) => <>
        <AlertState state={one.state} />
        {one.by ? <span class="hint block note" title={one.note}>{t('alerts.by', {who: one.by})}{one.note ? `: ${one.note}` : ''}</span> : null}
        {one.state === 'resolved' || one.state === 'withdrawn' ? <span class="hint block">{ui.time(one.changed)}</span> : null}
      </>,
    },
    ...(acknowledge
      ? [{
          id: 'act', title: t('alerts.acknowledge'),
          cell: (one: Alert) => (one.state === 'firing' && one.id
            ? <button type="button" class="button" aria-label={t('alerts.acknowledge.title', {name: nameOf(one, ui.lang) || one.rule})} onClick={() => acknowledge(one)}>{t('alerts.acknowledge')}</button>
            : ''),
        }]
      : []),
  ];
}

function Active(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const changed = useCell(alertChanges);
  const reset = useCell(resets);
  const role = useCell(session)?.role;
  const at = useClock(5000);
  const [asked, setAsked] = useState<Alert | undefined>(undefined);
  const [said, setSaid] = useState('');
  const key = `active/${reset}/${changed?.id}/${changed?.state}/${changed?.changed}`;
  // The list stays while it is loaded again for a change.
  const list = usePages('active', (cursor, signal) => get<{alerts: Alert[]} & Page>(['alerts'], {state: 'active', limit: 100, cursor}, signal).then((page) => ({rows: page.alerts, next: page.next})), 10_000);
  useReload(key, list.reload);
  const may = role === 'operator' || role === 'administrator';
  return (
    <Card>
      <p role="status" class="hint said">{said}</p>
      <Loaded query={list} lines={5}>
        {(rows) => rows.length === 0
          ? <Empty icon="good" title={t('alerts.none')} hint={t('alerts.none.hint')} />
          : <Table label={t('alerts.active')} rows={rows} keyOf={(one) => one.id || `${one.rule}/${one.subject}`} columns={columnsOf(ui, at, may ? setAsked : undefined)} />}
      </Loaded>
      <More more={list.more} loading={list.loadingMore} />
      {asked ? <Acknowledge alert={asked} onClose={() => setAsked(undefined)} onDone={() => { setAsked(undefined); setSaid(t('alerts.acknowledge.done')); list.reload(); }} /> : null}
    </Card>
  );
}

function useReload(key: string, reload: () => void): void {
  const [last, setLast] = useState(key);
  if (last !== key) {
    setLast(key);
    queueMicrotask(reload);
  }
}

function History(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const at = useClock(30_000);
  const list = usePages('history', (cursor, signal) => get<{alerts: Alert[]} & Page>(['alerts'], {state: 'all', limit: 50, cursor}, signal).then((page) => ({rows: page.alerts, next: page.next})));
  return (
    <Card>
      <Loaded query={list} lines={6}>
        {(rows) => rows.length === 0
          ? <Empty title={t('alerts.history.none')} hint={t('alerts.history.none.hint')} />
          : <Table label={t('alerts.history')} rows={rows} keyOf={(one) => `${one.id}/${one.state}/${one.changed ?? ''}`} columns={columnsOf(ui, at, undefined)} />}
      </Loaded>
      <More more={list.more} loading={list.loadingMore} />
    </Card>
  );
}

function Deliveries(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const list = usePages('deliveries', (cursor, signal) => get<{deliveries: Delivery[]} & Page>(['deliveries'], {limit: 50, cursor}, signal).then((page) => ({rows: page.deliveries, next: page.next})), 10_000);
  const tone = {open: 'warning', received: 'good', refused: 'bad', sent: 'info'} as const;
  return (
    <Card>
      <Loaded query={list} lines={6}>
        {(rows) => rows.length === 0
          ? <Empty title={t('alerts.deliveries.none')} hint={t('alerts.deliveries.none.hint')} />
          : <Table label={t('alerts.deliveries')} rows={rows} keyOf={(one) => `${one.sink}/${one.sequence}/${one.id}`} columns={[
              {id: 'what', title: t('alerts.delivery.what'), header: true, cell: (one) => <>{one.what || one.kind}<span class="hint block">{ui.time(one.time)}</span></>},
              {id: 'sink', title: t('alerts.delivery.sink'), cell: (one) => one.sink},
              {id: 'state', title: t('alerts.state'), cell: (one) => <Badge tone={tone[one.state]}>{t(`alerts.delivery.state.${one.state}`)}</Badge>},
              {id: 'sent', title: t('alerts.delivery.sent'), number: true, cell: (one) => <span title={ui.time(one.sent, 'full')}>{ui.time(one.sent)}</span>},
              {id: 'attempts', title: t('alerts.delivery.attempts'), number: true, cell: (one) => ui.integer(one.attempts)},
              {id: 'seconds', title: t('alerts.delivery.seconds'), number: true, cell: (one) => ui.duration(one.seconds)},
              {id: 'answer', title: t('alerts.delivery.answer'), wide: true, cell: (one) => one.answer || '–'},
            ]} />}
      </Loaded>
      <More more={list.more} loading={list.loadingMore} />
    </Card>
  );
}

export function AlertsPage(props: {tab: string}): JSX.Element {
  const {t} = useUi();
  const where = useCell(route);
  const current = useCell(now);
  const count = current ? current.alerts.critical + current.alerts.warning + current.alerts.info : 0;
  return (
    <>
      <h1>{t('alerts.title')}</h1>
      <Tabs label={t('alerts.title')} current={props.tab} route={where} tabs={[
        {id: 'active', text: t('alerts.active'), path: ['alerts'], count},
        {id: 'history', text: t('alerts.history'), path: ['alerts', 'history']},
        {id: 'deliveries', text: t('alerts.deliveries'), path: ['alerts', 'deliveries']},
      ]} />
      {props.tab === 'history' ? <History /> : props.tab === 'deliveries' ? <Deliveries /> : <Active />}
    </>
  );
}
