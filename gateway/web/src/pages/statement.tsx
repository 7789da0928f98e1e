// A statement of a day, a month or a year: to read, to print, to download as the command writes it.
import type {JSX} from 'preact';
import {apiUrl, get, useQuery} from '../lib/api.ts';
import type {Seals} from '../lib/api_types.ts';
import {formatExact, unitText} from '../lib/format.ts';
import {gatewayTime} from '../lib/live.ts';
import {replaceQuery, route} from '../lib/route.ts';
import {site} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import {dateField, ofDateField} from '../lib/zone.ts';
import {Icon} from '../view/icon.tsx';
import {Card, Choice, Empty, Loaded, Select} from '../view/parts.tsx';
import {Table, type ColumnOf} from '../view/table.tsx';
import {useUi, type Ui} from '../view/ui.ts';
import {SignatureState, Why} from './ledger.tsx';
import {qualityText} from './quality.ts';

// A line as `carbongate statement --format json` has it; what a line does not have is not there.
interface Line {
  level: 'account' | 'carrier' | 'scope' | 'user' | 'site';
  sum: string;
  user?: string;
  user_name?: string;
  scope?: string;
  carrier?: string;
  device?: string;
  point?: string;
  amount?: number;
  unit?: string;
  coal_kgce?: number;
  co2e_kg?: number;
  co2e_first_kg?: number;
  u95_kg?: number;
  u95_stated?: string;
  market_co2e_kg?: number;
  coverage_percent?: number;
  corrections?: number;
  quality?: string;
  factors?: string;
  gas?: string;
  gases_kg?: Record<string, number>;
  mass_kg?: number;  // of a gas
  mass_first_kg?: number;
}

type Kind = 'day' | 'month' | 'year';
type By = 'user' | 'scope' | 'carrier' | 'gas';

// All lines of a statement, in the order of the document: of a user its accounts, carriers, scopes, and its total last.
export function linesOf(document: unknown): Line[] {
  const lines: Line[] = [];
  const walk = (value: unknown) => {
    if (Array.isArray(value)) {
      value.forEach(walk);
    } else if (value !== null && typeof value === 'object') {
      const object = value as Record<string, unknown>;
      if (typeof object.level === 'string' && typeof object.sum === 'string') lines.push(object as unknown as Line);
      else Object.values(object).forEach(walk);
    }
  };
  walk(document);
  return lines;
}

// What `carbongate explain` calls it; undefined: there is no explanation of such a line.
export function explainableName(line: Line, period: string): string | undefined {
  if (!['consumed', 'emitted', 'total', 'exported', 'produced', 'measured'].includes(line.sum)) return undefined;
  if (line.level === 'site') return line.sum === 'total' ? `site@${period}` : undefined;
  const user = line.user || 'site';
  if (line.level === 'user') return line.sum === 'total' ? `${user}@${period}` : undefined;
  if (line.level === 'scope') return `${user}/scope-${line.scope ?? ''}@${period}`;
  if (line.level === 'carrier') return line.carrier ? `${user}/${line.carrier}@${period}` : undefined;
  return `${user}/${line.carrier ?? ''}/${line.device ?? ''}.${line.point ?? ''}@${period}`;
}

function sumText(sum: string, ui: Ui): string {
  if (sum === 'exported' || sum === 'produced' || sum === 'emitted' || sum === 'measured') return ui.t(`flow.${sum}`);
  if (sum === 'net' || sum === 'difference' || sum === 'unallocated') return ui.t(`statement.sum.${sum}`);
  return sum;
}

function titleOf(line: Line, ui: Ui): JSX.Element {
  const {t} = ui;
  const flow = line.sum !== 'consumed' && line.sum !== 'total' ? ` · ${sumText(line.sum, ui)}` : '';
  if (line.level === 'account') return <span class="line-account">{ui.carrier(line.carrier ?? '')}{flow}<span class="hint block">{line.device}.{line.point}</span></span>;
  if (line.level === 'carrier') return <span class="line-part">{ui.carrier(line.carrier ?? '')}{flow}</span>;
  if (line.level === 'scope') return <span class="line-part">{t(line.scope === '1' ? 'measure.scope1' : 'measure.scope2')}{flow}</span>;
  return <strong>{line.level === 'site' ? t('users.site') : t('common.total')}{flow}</strong>;
}

function columnsOf(ui: Ui, period: string, lines: readonly Line[]): ColumnOf<Line>[] {
  const {t} = ui;
  const firsts = new Set(lines.filter((line, i) => line.user && line.user !== lines[i - 1]?.user));
  const exact = (value: number | undefined, decimals = 3) => formatExact(value, ui.lang, decimals);
  const why = (line: Line, value: number | undefined, unit?: string, u95?: string) => {
    if (value === undefined) return '–';
    const name = explainableName(line, period);
    return name ? <Why name={name} number={exact(value)} unit={unit} u95={u95} /> : <>{exact(value)}{u95 ? <span class="figure-pm">{` ± ${u95}`}</span> : null}{unit ? ` ${unit}` : ''}</>;
  };
  return [
    {id: 'user', title: t('users.user'), cell: (line) => (firsts.has(line) ? line.user_name || line.user || '' : '')},
    {id: 'line', title: t('statement.line'), header: true, cell: (line) => titleOf(line, ui)},
    {id: 'amount', title: t('ledger.amount'), number: true, cell: (line) => why(line, line.unit ? line.amount : undefined, unitText(line.unit ?? ''))},
    {id: 'co2e', title: 'kg CO₂e', number: true, cell: (line) => why(line, line.co2e_kg, undefined, line.u95_kg === undefined ? undefined : `${line.u95_stated === 'all' ? '' : '> '}${exact(line.u95_kg)}`)},
    {id: 'first', title: t('statement.firstPublished'), number: true, cell: (line) => <span class={line.corrections ? 'text-warning' : ''}>{exact(line.co2e_first_kg)}</span>},
    {id: 'market', title: t('measure.market'), number: true, cell: (line) => (line.market_co2e_kg === undefined ? '–' : exact(line.market_co2e_kg))},
    {id: 'kgce', title: 'kgce', number: true, cell: (line) => exact(line.coal_kgce)},
    {id: 'coverage', title: t('measure.coverage'), number: true, cell: (line) => ui.percent(line.coverage_percent, 2)},
    {id: 'quality', title: t('ledger.quality'), cell: (line) => (line.quality ? qualityText(line.quality, ui) : '–')},
    {id: 'factors', title: t('ledger.factor'), wide: true, cell: (line) => <span class="factor">{(line.factors ?? '').replaceAll('@', '@\u200b').replaceAll('/', '/\u200b')}</span>},
  ];
}

const keyOf = (line: Line) => JSON.stringify([line.level, line.sum, line.user, line.scope, line.carrier, line.device, line.point, line.factors, line.gas]);

function Gases(props: {lines: Line[]}): JSX.Element {
  const ui = useUi();
  return (
    <Table label={ui.t('statement.by.gas')} rows={props.lines.filter((line) => line.gas)} keyOf={keyOf} columns={[
      {id: 'line', title: ui.t('statement.line'), header: true, cell: (line) => <>{line.user ? `${line.user_name || line.user} · ` : ''}{titleOf(line, ui)}</>},
      {id: 'gas', title: ui.t('statement.by.gas'), cell: (line) => unitText(line.gas ?? '')},
      {id: 'mass', title: 'kg', number: true, cell: (line) => formatExact(line.mass_kg, ui.lang, 6)},
      {id: 'first', title: ui.t('statement.firstPublished'), number: true, cell: (line) => formatExact(line.mass_first_kg, ui.lang, 6)},
    ]} />
  );
}

export function StatementPage(): JSX.Element {
  const ui = useUi();
  const {t, zone} = ui;
  const {query} = useCell(route);
  const here = useCell(site);
  const at = gatewayTime();
  const kind: Kind = query.period === 'day' || query.period === 'year' ? query.period : 'month';
  const by: By = query.by === 'scope' || query.by === 'carrier' || query.by === 'gas' ? query.by : 'user';
  const day = dateField(ofDateField(query.day ?? '', zone) ?? at, zone);
  const period = kind === 'day' ? day : kind === 'month' ? day.slice(0, 7) : day.slice(0, 4);
  const asked = {by, energy_user: query.user};
  const statement = useQuery(JSON.stringify([period, asked]), (signal) => get<unknown>(['statements', period], {...asked, format: 'json'}, signal));
  const seals = useQuery('seals', (signal) => get<Seals>(['ledger', 'seals'], {limit: 1}, signal));
  const download = (format: 'csv' | 'json') => apiUrl(['statements', period], {...asked, format, ...(format === 'csv' ? {lang: ui.lang} : {}), download: 1});
  return (
    <Card class="statement">
      <div class="controls no-print">
        <Choice label={t('users.span')} value={kind} onChange={(value) => replaceQuery({period: value === 'month' ? undefined : value})}
          options={[{value: 'day', text: t('statement.day')}, {value: 'month', text: t('statement.month')}, {value: 'year', text: t('statement.year')}]} />
        <label class="field"><span>{t('statement.of')}</span><input type="date" value={day} max={dateField(at, zone)} onChange={(event) => replaceQuery({day: event.currentTarget.value})} /></label>
        <Select label={t('statement.by')} value={by} onChange={(value) => replaceQuery({by: value === 'user' ? undefined : value})}
          options={(['user', 'scope', 'carrier', 'gas'] as const).map((value) => ({value, text: t(`statement.by.${value}`)}))} />
        <Select label={t('users.user')} value={query.user ?? ''} onChange={(value) => replaceQuery({user: value})} options={[{value: '', text: t('common.all')}, ...(here?.energy_users ?? []).map((user) => ({value: user.id, text: user.name || user.id}))]} />
        <div class="controls-end">
          <a class="button" download href={download('csv')}><Icon name="download" />{t('statement.csv')}</a>
          <a class="button" download href={download('json')}><Icon name="download" />{t('statement.json')}</a>
          <button type="button" class="button" onClick={() => print()}><Icon name="print" />{t('common.print')}</button>
        </div>
      </div>
      <header class="statement-head">
        <h2>{t('statement.title', {period})}</h2>
        <p>{here?.name} <span class="hint">{here?.id} · {zone}</span></p>
        {seals.data ? <SignatureState seals={seals.data} /> : null}
      </header>
      <Loaded query={statement} lines={8}>
        {(document) => {
          const lines = linesOf(document);
          const open = (document as {statement?: {open_since?: string}}).statement?.open_since;
          if (lines.every((line) => !line.amount && !line.co2e_kg && !line.mass_kg)) return <Empty title={t('statement.none')} hint={period} />;
          return <>
            {open ? <p class="hint">{t('statement.open', {time: ui.time(open)})}</p> : null}
            {by === 'gas' ? <Gases lines={lines} /> : <Table class="statement-table" label={t('statement.title', {period})} rows={lines} columns={columnsOf(ui, period, lines)} keyOf={keyOf} />}
          </>;
        }}
      </Loaded>
    </Card>
  );
}
