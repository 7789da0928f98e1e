// The books: entries, statements, signatures. Every number opens its explanation.
import type {ComponentChildren, JSX} from 'preact';
import {apiUrl, get, usePages, useQuery} from '../lib/api.ts';
import type {Entry, Page, Seal, Seals} from '../lib/api_types.ts';
import {formatExact, unitText} from '../lib/format.ts';
import {gatewayTime} from '../lib/live.ts';
import {hrefOf, replaceQuery, route} from '../lib/route.ts';
import {site} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import {dateField, ofDateField, startOf} from '../lib/zone.ts';
import {Icon} from '../view/icon.tsx';
import {Badge, Card, Code, Empty, Loaded, More, Select, Tabs} from '../view/parts.tsx';
import {Table, type ColumnOf} from '../view/table.tsx';
import {useNarrow, useUi, type Ui} from '../view/ui.ts';
import {ExplanationPage} from './explanation.tsx';
import {qualityText} from './quality.ts';
import {StatementPage} from './statement.tsx';

// A number that leads to why it is so.
export function Why(props: {name: string; number: string; unit?: string | undefined; u95?: string | undefined; label?: string}): JSX.Element {
  const {t} = useUi();
  const text = `${props.number}${props.u95 ? ` ± ${props.u95}` : ''}${props.unit ? ` ${props.unit}` : ''}`;
  return (
    <a class="why" href={hrefOf(['ledger', 'explain', props.name])} aria-label={props.label ?? t('ledger.explain', {number: text})} title={t('statement.explain')}>
      {props.number}{props.u95 ? <span class="figure-pm">{`\u00a0± ${props.u95}`}</span> : null}{props.unit ? <span class="figure-unit">{`\u00a0${props.unit}`}</span> : null}
    </a>
  );
}

function columnsOf(ui: Ui): ColumnOf<Entry>[] {
  const {t} = ui;
  const exact = (value: number | null | undefined, decimals = 3) => formatExact(value, ui.lang, decimals);
  return [
    {id: 'interval', title: t('ledger.interval'), header: true, cell: (one) => <span class="nowrap">{ui.time(one.begin)}<span class="hint">–{ui.time(one.end, 'minute')}</span></span>},
    {id: 'user', title: t('users.user'), cell: (one) => <>{one.energy_user_name || one.energy_user}{one.part_of ? <span class="hint block">{t('users.partOf', {name: ui.user(one.part_of)})}</span> : null}</>},
    {id: 'carrier', title: t('users.carrier'), cell: (one) => <>{ui.carrier(one.carrier)}<span class="hint block">{one.point}{one.flow !== 'consumed' ? ` · ${t(`flow.${one.flow}`)}` : ''}</span></>},
    {id: 'scope', title: t('measure.scope'), cell: (one) => <span class="nowrap">{one.scope ? t(one.scope === 1 ? 'measure.scope1' : 'measure.scope2') : '–'}</span>},
    {id: 'amount', title: t('ledger.amount'), number: true, cell: (one) => <Why name={one.name} number={exact(one.amount)} unit={unitText(one.unit)} />},
    {id: 'co2e', title: 'kg CO₂e', number: true, cell: (one) => <Why name={one.name} number={exact(one.co2e_kg)} u95={one.u95_kg === null ? undefined : `${one.u95_stated === 'part' ? '> ' : ''}${exact(one.u95_kg)}`} />},
    {id: 'market', title: t('measure.market'), number: true, cell: (one) => (one.market_co2e_kg === null ? '–' : <Why name={one.name} number={exact(one.market_co2e_kg)} />)},
    {id: 'kgce', title: 'kgce', number: true, cell: (one) => <Why name={one.name} number={exact(one.kgce)} />},
    {id: 'factor', title: t('ledger.factor'), wide: true, cell: (one) => (one.factor ? <span class="factor">{one.factor}</span> : <span class="text-warning">{t('ledger.noFactor')}</span>)},
    {
      id: 'quality', title: t('ledger.quality'),
      cell: (one) => <>
        <span class={one.quality === 'measured' ? '' : 'text-warning'}>{qualityText(one.quality, ui)}{one.rule ? ` (${one.rule})` : ''}</span>
        <span class="hint block">{t('measure.coverage')} {ui.percent(one.coverage_percent, 1)}</span>
        {one.revision > 0 ? <span class="block" title={one.note ?? ''}><Badge tone="info">{t('ledger.correction', {n: one.revision})}</Badge></span> : null}
      </>,
    },
  ];
}

function Entries(): JSX.Element {
  const ui = useUi();
  const {t, zone} = ui;
  const {query} = useCell(route);
  const here = useCell(site);
  const narrow = useNarrow();
  const at = gatewayTime();
  const from = ofDateField(query.from ?? '', zone) === undefined ? dateField(at, zone) : query.from as string;
  const until = ofDateField(query.until ?? '', zone) === undefined ? from : query.until as string;
  // The field says the last day, the API the first that is not in it.
  const end = dateField(startOf('day', ofDateField(until, zone) ?? at, zone, 1), zone);
  const asked = {from, until: end, energy_user: query.user, scope: query.scope, carrier: query.carrier};
  const list = usePages(JSON.stringify(asked), (cursor, signal) => get<{entries: Entry[]} & Page>(['ledger', 'entries'], {...asked, limit: narrow ? 25 : 100, cursor}, signal).then((page) => ({rows: page.entries, next: page.next})));
  const choices = (ids: {id: string; text: string}[]) => [{value: '', text: t('common.all')}, ...ids.map((one) => ({value: one.id, text: one.text}))];
  const carriers = [...new Set(here?.energy_users.flatMap((user) => user.accounts.map((account) => account.carrier)))];
  return (
    <Card>
      <div class="controls">
        <label class="field"><span>{t('common.from')}</span><input type="date" value={from} max={dateField(at, zone)} onChange={(event) => replaceQuery({from: event.currentTarget.value})} /></label>
        <label class="field"><span>{t('common.until')}</span><input type="date" value={until} min={from} max={dateField(at, zone)} onChange={(event) => replaceQuery({until: event.currentTarget.value})} /></label>
        <Select label={t('users.user')} value={query.user ?? ''} onChange={(value) => replaceQuery({user: value})} options={choices((here?.energy_users ?? []).map((user) => ({id: user.id, text: user.name || user.id})))} />
        <Select label={t('measure.scope')} value={query.scope ?? ''} onChange={(value) => replaceQuery({scope: value})} options={choices([{id: '1', text: t('measure.scope1')}, {id: '2', text: t('measure.scope2')}])} />
        <Select label={t('users.carrier')} value={query.carrier ?? ''} onChange={(value) => replaceQuery({carrier: value})} options={choices(carriers.map((id) => ({id, text: ui.carrier(id)})))} />
        <div class="controls-end" role="group" aria-label={t('ledger.exports')}>
          {(['entries', 'corrections', 'ledger'] as const).map((kind) => (
            <a key={kind} class="button" download href={apiUrl(['exports', kind], {format: 'csv', ...(kind === 'ledger' ? {} : {from, until: end})})}><Icon name="download" />{t(`ledger.export.${kind}`)}</a>
          ))}
        </div>
      </div>
      <Loaded query={list} lines={8}>
        {(rows) => rows.length === 0
          ? <Empty title={t('ledger.none')} hint={t('ledger.none.hint')} />
          : <Table label={t('ledger.entries')} rows={rows} keyOf={(one) => one.name} columns={columnsOf(ui)} />}
      </Loaded>
      <More more={list.more} loading={list.loadingMore} />
    </Card>
  );
}

export function SignatureState(props: {seals: Pick<Seals, 'entries' | 'sealed' | 'trouble'>}): JSX.Element {
  const ui = useUi();
  const {entries, sealed, trouble} = props.seals;
  const n = (value: number) => ui.integer(value);
  if (trouble) {
    return <div class="signature"><Badge tone="warning" icon="warning">{ui.t('ledger.sealed.none')}</Badge><p class="hint">{trouble} <Code text={ui.t('ledger.sealed.none.hint')} /></p></div>;
  }
  return (
    <div class="signature">
      <Badge tone={sealed > 0 ? 'good' : 'info'} icon="lock">{sealed >= entries ? ui.t('ledger.sealed.all', {n: n(entries)}) : ui.t('ledger.sealed')}</Badge>
      {sealed < entries ? <p class="hint">{ui.t('ledger.sealed.some', {sealed: n(sealed), entries: n(entries)})}</p> : null}
    </div>
  );
}

function Signatures(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const summary = useQuery('seals', (signal) => get<Seals>(['ledger', 'seals'], {limit: 1}, signal), 30_000);
  const list = usePages<Seal>('seal-list', (cursor, signal) => get<Seals>(['ledger', 'seals'], {limit: 50, cursor}, signal).then((page) => ({rows: page.seals, next: page.next})), 60_000);
  const long = (text: string): ComponentChildren => <code class="hash" title={text}>{text}</code>;
  return (
    <>
      <Card title={t('ledger.sealed')}>
        <Loaded query={summary} lines={2}>{(data) => <SignatureState seals={data} />}</Loaded>
        <p class="hint"><Code text={t('ledger.verify.hint')} /></p>
      </Card>
      <Card title={t('ledger.seals')} actions={<a class="button" download href={apiUrl(['exports', 'ledger'], {format: 'csv'})}><Icon name="download" />{t('ledger.export.ledger')}</a>}>
        <Loaded query={list} lines={5}>
          {(rows) => rows.length === 0
            ? <Empty icon="lock" title={t('ledger.sealed.none')} hint={t('ledger.sealed.none.hint')} />
            : <Table label={t('ledger.seals')} rows={rows} keyOf={(one) => one.signature} columns={[
                {id: 'at', title: t('ledger.seal.at'), header: true, cell: (one) => <span class="nowrap">{ui.time(one.at, 'full')}</span>},
                {id: 'entries', title: t('ledger.seal.entries'), number: true, cell: (one) => ui.integer(one.entries)},
                {id: 'head', title: t('ledger.seal.head'), wide: true, cell: (one) => long(one.head)},
                {id: 'key', title: t('ledger.seal.key'), cell: (one) => long(one.key)},
                {id: 'signature', title: t('ledger.seal.signature'), wide: true, cell: (one) => long(one.signature)},
              ]} />}
        </Loaded>
        <More more={list.more} loading={list.loadingMore} />
      </Card>
    </>
  );
}

export function LedgerPage(props: {tab: string}): JSX.Element {
  const {t} = useUi();
  const where = useCell(route);
  if (props.tab === 'explain') return <ExplanationPage name={where.path.slice(2).join('/')} />;
  return (
    <>
      <h1 class="no-print">{t('ledger.title')}</h1>
      <Tabs label={t('ledger.title')} current={props.tab} route={where} tabs={[
        {id: 'entries', text: t('ledger.entries'), path: ['ledger']},
        {id: 'statements', text: t('ledger.statements'), path: ['ledger', 'statements']},
        {id: 'seals', text: t('ledger.seals'), path: ['ledger', 'seals']},
      ]} />
      {props.tab === 'statements' ? <StatementPage /> : props.tab === 'seals' ? <Signatures /> : <Entries />}
    </>
  );
}
