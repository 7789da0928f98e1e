// The gateway itself: whether anything is lost, where data go, what it stands on.
import type {ComponentChildren, JSX} from 'preact';
import {get, session, useHas, usePages, useQuery} from '../lib/api.ts';
import type {AuditEvent, Page, Sink, SinkAccount, Status} from '../lib/api_types.ts';
import {formatBytes, isKnown} from '../lib/format.ts';
import {sinks as liveSinks} from '../lib/live.ts';
import {route} from '../lib/route.ts';
import {useCell} from '../lib/state.ts';
import type {Key} from '../lib/text.ts';
import {Badge, Card, Empty, Loaded, Meter, More, Tabs} from '../view/parts.tsx';
import {Table} from '../view/table.tsx';
import {useClock, useUi} from '../view/ui.ts';
import {SignatureState} from './ledger.tsx';

type Term = readonly [number | null, Key];

// received = accepted + skipped + ..., with the figures that are not zero.
function Equation(props: {left: Term; right: readonly Term[]; balances: boolean}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const term = ([value, key]: Term) => <span class="term"><strong>{value === null ? '?' : ui.integer(value)}</strong><span class="hint">{t(key)}</span></span>;
  const shown = props.right.filter(([value], i) => i === 0 || value !== 0);
  return (
    <span class="equation">
      {term(props.left)}<span class="equation-sign">=</span>
      {shown.map((one, i) => <>{i > 0 ? <span class="equation-sign">+</span> : null}{term(one)}</>)}
      <Badge tone={props.balances ? 'good' : 'bad'} icon={props.balances ? 'good' : 'critical'}>{t(props.balances ? 'system.conservation.balances' : 'system.conservation.not')}</Badge>
    </span>
  );
}

function sinkTerms(account: SinkAccount): readonly Term[] {
  return [
    [account.accepted, 'system.conservation.accepted'], [account.skipped, 'system.conservation.skipped'], [account.refused, 'system.conservation.refused'],
    [account.missed, 'system.conservation.missed'], [account.lost, 'system.conservation.lost'], [account.pending, 'system.conservation.pending'],
  ];
}

function Conservation(props: {status: Status}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {conservation} = props.status;
  return (
    <Card class="card-wide" title={t('system.conservation')}
      actions={<span class="line-facts">
        <Badge tone={conservation.holds ? 'good' : 'bad'} icon={conservation.holds ? 'good' : 'critical'}>{t(conservation.holds ? 'system.conservation.holds' : 'system.conservation.broken')}</Badge>
        <span class="hint">{t('system.conservation.audits', {n: ui.integer(conservation.audits)})}{conservation.breaches > 0 ? `, ${t('system.conservation.breaches', {n: conservation.breaches})}` : ''}</span>
      </span>}>
      <ul class="plain-list equations">
        {conservation.sources.map((source) => (
          <li key={`source ${source.name}`}>
            <span class="equation-name"><span class="hint">{t('system.conservation.source')}</span> {source.name}</span>
            <Equation left={[source.received, 'system.conservation.received']} balances={source.received === source.committed + source.given_up + source.waiting}
              right={[[source.committed, 'system.conservation.committed'], [source.given_up, 'system.conservation.givenUp'], [source.waiting, 'system.conservation.waiting']]} />
          </li>
        ))}
        {conservation.sinks.map((sink) => (
          <li key={`sink ${sink.name}`}>
            <span class="equation-name"><span class="hint">{t('system.conservation.sink')}</span> {sink.name}</span>
            <Equation left={[sink.account.received, 'system.conservation.received']} right={sinkTerms(sink.account)} balances={sink.account.balances} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Sinks(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const live = useCell(liveSinks);
  const at = useClock(5000);
  const list = useQuery('sinks', (signal) => get<{at: string; sinks: Sink[]}>(['sinks'], {}, signal), live ? undefined : 5000);
  return (
    <Card class="card-wide" title={t('system.sinks')}>
      <Loaded query={list} lines={3}>
        {(data) => {
          const rows = live ?? data.sinks;
          if (rows.length === 0) return <Empty title={t('system.sinks.none')} hint={t('system.sinks.none.hint')} />;
          return <Table label={t('system.sinks')} rows={rows} keyOf={(one) => one.name} columns={[
            {id: 'name', title: t('system.conservation.sink'), header: true, cell: (one) => <>{one.name}{one.lanes > 1 ? <span class="hint block">{t('system.sink.lanes')}</span> : null}</>},
            {
              id: 'state', title: t('alerts.state'),
              cell: (one) => <>
                {one.is_waiting_for_time ? <Badge tone="warning">{t('system.sink.clock')}</Badge> : <Badge tone={one.healthy ? 'good' : 'bad'} icon={one.healthy ? 'good' : 'critical'}>{t(one.healthy ? 'system.sink.healthy' : 'system.sink.ill')}</Badge>}
                {one.detail ? <span class="hint block">{one.detail}</span> : null}
              </>,
            },
            {id: 'waiting', title: t('system.sink.backlog'), number: true, cell: (one) => <>{ui.integer(one.waiting)} {t('system.rows')}{one.waiting > 1000 && one.rows_per_s > 0 ? <span class="hint block">{t('system.sink.eta', {duration: ui.duration(Math.max(1, Math.round(one.waiting / one.rows_per_s)))})}</span> : null}</>},
            {id: 'rate', title: t('system.sink.rate'), number: true, cell: (one) => `${ui.number(one.rows_per_s, 3)} ${t('system.rowsPerSecond')}`},
            {id: 'oldest', title: t('system.sink.oldest'), number: true, cell: (one) => (one.waiting > 0 && one.oldest ? ui.ago(one.oldest, at) : '–')},
            {id: 'accepted', title: t('system.sink.rows'), number: true, cell: (one) => ui.integer(one.rows_accepted)},
            {id: 'refused', title: t('system.sink.refused'), number: true, cell: (one) => <span class={one.rows_rejected > 0 ? 'text-bad' : ''}>{ui.integer(one.rows_rejected)}</span>},
            {id: 'failures', title: t('system.sink.failures'), number: true, cell: (one) => `${ui.integer(one.failures)} / ${ui.integer(one.requests)}`},
          ]} />;
        }}
      </Loaded>
    </Card>
  );
}

function State(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const bytes = (value: number | null | undefined) => formatBytes(value, ui.lang);
  const query = useQuery('status', (signal) => get<Status>(['status'], {}, signal), 2000);
  const fact = (title: string, value: ComponentChildren, more?: ComponentChildren) => <div class="fact"><dt>{title}</dt><dd>{value}{more ? <span class="hint block">{more}</span> : null}</dd></div>;
  return (
    <Loaded query={query} lines={10}>
      {(status) => (
        <div class="system">
          <Card title={t('system.gateway')} actions={<Badge tone={status.ready ? 'good' : 'bad'} icon={status.ready ? 'good' : 'critical'}>{t(status.ready ? 'system.ready' : 'system.notReady')}</Badge>}>
            {status.trouble.map((trouble) => <p key={trouble} class="text-bad">{trouble}</p>)}
            <dl class="facts">
              {fact(t('system.version'), status.version)}
              {fact(t('system.uptime'), ui.duration(Math.round(status.uptime_s)), ui.time(status.started, 'full'))}
              {fact(t('system.memory'), bytes(status.memory_bytes), status.memory_max_bytes > 0 ? t('system.memory.max', {bytes: bytes(status.memory_max_bytes)}) : undefined)}
              {fact(t('system.readings'), ui.integer(status.readings), `${t('system.inbox')}: ${ui.integer(status.inbox.waiting)}`)}
              {fact(t('system.clock'), <Badge tone={status.clock.is_synchronised ? 'good' : 'warning'}>{t(!status.clock.is_known ? 'system.clock.unknown' : status.clock.is_synchronised ? 'system.clock.ok' : 'system.clock.free')}</Badge>, ui.time(status.clock.now, 'full'))}
            </dl>
          </Card>
          <Card title={t('system.store')}>
            {status.store.trouble ? <p class="text-bad">{status.store.trouble}</p> : null}
            {isKnown(status.store.bytes_max) ? <Meter percent={(status.store.bytes / status.store.bytes_max) * 100} tone={status.store.bytes > status.store.bytes_max * 0.9 ? 'warning' : 'good'} label={`${bytes(status.store.bytes)} ${t('system.store.of', {bytes: bytes(status.store.bytes_max)})}`} /> : null}
            <dl class="facts">
              {fact(t('system.store.size'), bytes(status.store.bytes), isKnown(status.store.bytes_max) ? t('system.store.of', {bytes: bytes(status.store.bytes_max)}) : undefined)}
              {fact(t('system.store.rows'), ui.integer(status.store.last_sequence))}
              {fact(t('system.store.commits'), ui.integer(status.store.commits), status.store.commit_retries > 0 ? t('system.store.retries', {n: status.store.commit_retries}) : undefined)}
              {status.store.rows_thinned > 0 ? fact(t('system.store.thinned'), ui.integer(status.store.rows_thinned)) : null}
              {fact(t('system.store.path'), <code class="path">{status.store.path}</code>)}
              {status.store.damage ? fact(t('system.store.damage'), <span class="text-bad">{status.store.damage}</span>) : null}
              {status.store.repaired ? fact(t('system.store.repaired'), status.store.repaired) : null}
              {status.store.set_aside.length > 0 ? fact(t('system.store.set_aside'), <code class="path">{status.store.set_aside.join(', ')}</code>) : null}
            </dl>
          </Card>
          <Card title={t('system.ledger')}>
            <SignatureState seals={status.ledger} />
            <dl class="facts">
              {fact(t('system.ledger.entries'), ui.integer(status.ledger.entries))}
              {fact(t('system.ledger.corrections'), ui.integer(status.ledger.corrections))}
            </dl>
          </Card>
          <Card title={t('system.server')}>
            <dl class="facts">
              {fact(t('system.server.connections'), ui.integer(status.server.connections))}
              {fact(t('system.server.streams'), ui.integer(status.server.streams), status.server.streams_dropped > 0 ? `${ui.integer(status.server.streams_dropped)} ${t('system.server.dropped')}` : undefined)}
              {fact(t('system.server.requests'), ui.integer(status.server.requests), status.server.refused > 0 ? `${ui.integer(status.server.refused)} ${t('system.server.refused')}` : undefined)}
            </dl>
            <p class="hint"><a href="licenses.txt">{t('system.licenses')}</a></p>
          </Card>
          <Conservation status={status} />
          <Sinks />
        </div>
      )}
    </Loaded>
  );
}

function scalar(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

// A tree of the configuration, as lists that open.
function Tree(props: {value: unknown; depth: number}): JSX.Element {
  const {value, depth} = props;
  if (value === null || typeof value !== 'object') return <code>{scalar(value)}</code>;
  const pairs: [string, unknown][] = Array.isArray(value) ? value.map((one, i) => [String(i + 1), one]) : Object.entries(value);
  return (
    <ul class="tree">
      {pairs.map(([key, one]) => {
        if (one === null || typeof one !== 'object') return <li key={key}><span class="tree-key">{key}</span> <code class={one === '***' ? 'secret' : ''}>{scalar(one)}</code></li>;
        const named = one as {id?: unknown; name?: unknown; set?: unknown};
        const title = [named.id, named.name].filter((part) => typeof part === 'string').join(' · ');
        return <li key={key}><details open={depth < 1}><summary><span class="tree-key">{key}</span>{title ? <span class="hint"> {title}</span> : null}</summary><Tree value={one} depth={depth + 1} /></details></li>;
      })}
    </ul>
  );
}

function Configuration(): JSX.Element {
  const {t} = useUi();
  const query = useQuery('configuration', (signal) => get<{file: string; configuration: unknown}>(['configuration'], {}, signal));
  return (
    <Card title={t('system.configuration')} hint={query.data ? `${query.data.file} · ${t('system.configuration.hint')}` : t('system.configuration.hint')}>
      <Loaded query={query} lines={10}>{(data) => <Tree value={data.configuration} depth={0} />}</Loaded>
    </Card>
  );
}

function Audit(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const list = usePages('audit', (cursor, signal) => get<{events: AuditEvent[]} & Page>(['audit'], {limit: 100, cursor}, signal).then((page) => ({rows: page.events, next: page.next})));
  return (
    <Card title={t('system.audit')}>
      <Loaded query={list} lines={6}>
        {(rows) => rows.length === 0
          ? <Empty title={t('system.audit.none')} />
          : <Table label={t('system.audit')} rows={rows} keyOf={(one) => JSON.stringify(one)} columns={[
              {id: 'at', title: t('common.time'), header: true, cell: (one) => <span class="nowrap">{ui.time(one.at, 'full')}</span>},
              {id: 'who', title: t('system.audit.who'), cell: (one) => one.user ?? '–'},
              {id: 'what', title: t('system.audit.what'), cell: (one) => <>{one.action}{one.detail ? <span class="hint block">{one.detail}</span> : null}</>},
              {id: 'outcome', title: t('system.audit.outcome'), cell: (one) => one.outcome},
              {id: 'from', title: t('system.audit.from'), cell: (one) => one.address ?? '–'},
            ]} />}
      </Loaded>
      <More more={list.more} loading={list.loadingMore} />
    </Card>
  );
}

export function SystemPage(props: {tab: string}): JSX.Element {
  const {t} = useUi();
  const where = useCell(route);
  const role = useCell(session)?.role;
  const hasAudit = useHas('/audit');
  return (
    <>
      <h1>{t('system.title')}</h1>
      {role === 'administrator'
        ? <Tabs label={t('system.title')} current={props.tab} route={where} tabs={[
            {id: 'state', text: t('alerts.state'), path: ['system']},
            {id: 'configuration', text: t('system.configuration'), path: ['system', 'configuration']},
            ...(hasAudit ? [{id: 'audit', text: t('system.audit'), path: ['system', 'audit']}] : []),
          ]} />
        : null}
      {props.tab === 'configuration' ? <Configuration /> : props.tab === 'audit' ? <Audit /> : <State />}
    </>
  );
}
