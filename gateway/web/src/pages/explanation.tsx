// From the tonne down to the register: why a figure in the books is what it is.
import type {ComponentChildren, JSX} from 'preact';
import {get, useQuery} from '../lib/api.ts';
import {formatExact, unitText} from '../lib/format.ts';
import {hrefOf} from '../lib/route.ts';
import {useCell} from '../lib/state.ts';
import {session} from '../lib/api.ts';
import {Icon} from '../view/icon.tsx';
import {Badge, Card, Empty, Loaded} from '../view/parts.tsx';
import {Table} from '../view/table.tsx';
import {useUi, type Ui} from '../view/ui.ts';
import {Why} from './ledger.tsx';
import {qualityText} from './quality.ts';

// `carbongate explain --json`. All of it may be missing in another version: what is not there is not shown.
interface Figures {
  amount?: string;
  unit?: string;
  coverage_percent?: string | number;
  quality?: {origin?: string; rule?: string | null; origin_meaning?: string; rule_meaning?: string | null};
  location_based?: {co2e_kg?: string; u95_kg?: string | null; u95_stated?: string; gases_kg?: Record<string, string>};
  market_based?: {co2e_kg?: string} | null;
  coal_kgce?: string;
}

interface FactorUsed {
  id?: string | null;
  version?: string | null;
  value?: string;
  unit?: string;
  valid_from?: string;
  valid_until?: string | null;
  source?: string;
  publication?: string;
  confidence?: string;
  u95_percent?: string | null;
  missing?: string | null;
  lookup?: string[];
  note?: string | null;
}

interface Formula {
  result: string;
  amount: string;
  unit: string;
  products: {of: string; factor_kg_per_unit: string; exact_kg: string; booked_kg: string; carried_kg: string; gwp?: string | null}[];
  of?: string;
  beside_kg?: string;
  factor?: FactorUsed;
}

interface Reading {
  at: string;
  place: string;
  value: string | null;
  quality?: {origin?: string; rule?: string | null};
  moved?: string | null;
  counted?: string | null;
  bytes?: string | null;
  bytes_missing?: string | null;
}

interface PointUsed {
  device?: string;
  point?: string;
  unit?: string;
  missing?: string | null;
  origin?: {where?: string; decoding?: string} | null;
  notes?: string[];
  readings?: Reading[];
  readings_left_out?: number;
  counted_again?: string | null;
  derived?: {formula?: string; text?: string; inputs?: {role: string; value: string; unit: string; point?: PointUsed | null}[]} | null;
}

interface LedgerPlace {
  number?: number;
  hash?: string | null;
  hash_fits?: boolean;
  trouble?: string | null;
  seal?: {number?: number; sealed_at?: string; key_fingerprint?: string; genuine?: boolean} | null;
}

interface EntryExplained {
  entry: string;
  user?: string;
  user_name?: string;
  carrier?: string;
  scope?: string | null;
  flow?: string;
  begin?: string;
  end?: string;
  known?: Figures;
  published?: Figures | null;
  revisions?: {revision: number; cause?: string | null; note?: string | null; booked_at?: string | null; figures?: Figures; journal_row?: number; ledger?: LedgerPlace}[];
  formulas?: Formula[];
  meter?: {accuracy?: string | null; device?: string | null; calibration?: string | null} | null;
  activity_u95_percent?: string | null;
  point?: PointUsed;
}

interface PeriodLine {
  name: string;
  begin?: string;
  end?: string;
  entries?: number;
  co2e_kg?: string;
  co2e_first_kg?: string;
  u95_kg?: string | null;
  u95_stated?: string | null;
  market_co2e_kg?: string | null;
  coal_kgce?: string;
  coverage_percent?: string | number;
  amount?: string;
  unit?: string;
  carrier?: string;
}

interface PeriodExplained {
  period: string;
  name: string;
  total: PeriodLine;
  users?: PeriodLine[];
  accounts?: PeriodLine[];
  parts?: PeriodLine[];
  entries?: PeriodLine[];
}

type Answer = EntryExplained | PeriodExplained;

const kAllDigits = 12;  // of a product of an amount and a factor; a double has no more to tell
const exact = (value: string | number | null | undefined, ui: Ui) => formatExact(value, ui.lang, 6);

function Facts(props: {facts: (readonly [string, ComponentChildren] | undefined | false)[]}): JSX.Element {
  return <dl class="facts">{props.facts.map((fact) => (fact && fact[1] ? <div class="fact" key={fact[0]}><dt>{fact[0]}</dt><dd>{fact[1]}</dd></div> : null))}</dl>;
}

// What is known of an uncertainty: "> " before a lower bound.
function u95Text(figures: {u95_kg?: string | null; u95_stated?: string | null} | null | undefined, ui: Ui): string | undefined {
  if (!figures?.u95_kg || figures.u95_stated === 'none') return undefined;
  return `${figures.u95_stated === 'part' ? '> ' : ''}${exact(figures.u95_kg, ui)}`;
}

function Large(props: {number: string; u95?: string | undefined; unit: string}): JSX.Element {
  return <span class="figure figure-large">{props.number}{props.u95 ? <span class="figure-pm figure-side">{`\u00a0± ${props.u95}`}</span> : null}<span class="figure-unit">{`\u00a0${props.unit}`}</span></span>;
}

// ---- an entry

function FormulaView(props: {formula: Formula}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {formula} = props;
  const title = formula.result === 'market_based' ? t('measure.market') : formula.result === 'standard_coal' ? t('measure.kgce') : t('measure.location');
  const unit = formula.result === 'standard_coal' ? 'kgce' : 'kg';
  const factor = formula.factor;
  // Where all of it is CO2, the line of the gas says the same once more.
  const products = formula.products.length === 2 && formula.products[1]?.of === 'CO2' ? formula.products.slice(0, 1) : formula.products;
  return (
    <section class="formula">
      <h3>{title}{formula.of === 'entered' ? ` · ${t('explain.formula.entered')}` : ''}</h3>
      {formula.products.length === 0 ? <p class="text-warning">{factor?.missing || t('ledger.noFactor')}</p> : null}
      {products.map((product) => (
        <p key={product.of} class="formula-line">
          <span class="formula-of">{unitText(product.of)}</span>
          <span>{exact(formula.amount, ui)} {unitText(formula.unit)}</span><span class="formula-sign">×</span>
          <span>{formatExact(product.factor_kg_per_unit, ui.lang, kAllDigits)} {unit}/{unitText(formula.unit)}</span><span class="formula-sign">=</span>
          <strong>{formatExact(product.exact_kg, ui.lang, kAllDigits)} {unit}</strong>
          {Number(product.carried_kg) !== 0 ? <span class="hint">{t(Number(product.carried_kg) > 0 ? 'explain.carriedIn' : 'explain.carried', {booked: `${exact(product.booked_kg, ui)} ${unit}`, carried: `${product.carried_kg.replace('-', '')} ${unit}`})}</span> : null}
        </p>
      ))}
      {factor?.id
        ? <Facts facts={[
            [t('explain.factor'), <>{factor.value} {unitText(factor.unit ?? '')}{factor.u95_percent ? ` ± ${factor.u95_percent} %` : ''}<span class="hint block">{factor.id} {factor.version}</span></>],
            [t('explain.factor.document'), factor.source ? <>{factor.source}<span class="hint block">{factor.publication}</span></> : null],
            [t('common.from'), factor.valid_from ? ui.time(factor.valid_from, 'date') : null],
          ]} />
        : null}
      {factor?.lookup && factor.lookup.length > 0 ? <details><summary>{t('explain.factor.lookup')}</summary><ol>{factor.lookup.map((step) => <li key={step}>{step}</li>)}</ol></details> : null}
    </section>
  );
}

function PointView(props: {point: PointUsed; unit: string}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {point} = props;
  return (
    <>
      <Facts facts={[
        [t('devices.point'), <a href={hrefOf(['devices', point.device ?? ''])}>{point.device}.{point.point}</a>],
        [t('explain.register'), point.origin?.where ? <>{point.origin.where}<span class="hint block">{point.origin.decoding}</span></> : null],
      ]} />
      {point.missing ? <p class="text-warning">{point.missing}</p> : null}
      {point.notes?.map((note) => <p key={note} class="hint">{note}</p>)}
      {point.readings && point.readings.length > 0
        ? <Table label={t('explain.readings')} rows={point.readings} keyOf={(one) => one.at + one.place} columns={[
            {id: 'at', title: t('devices.at'), header: true, cell: (one) => <span class={one.place === 'within' ? 'nowrap' : 'nowrap hint'}>{ui.time(one.at, 'full')}</span>},
            {id: 'value', title: `${t('devices.value')} (${unitText(point.unit ?? '')})`, number: true, cell: (one) => exact(one.value, ui)},
            {id: 'moved', title: `${t('explain.moved')} (${unitText(props.unit)})`, number: true, cell: (one) => exact(one.counted ?? one.moved, ui)},
            {id: 'bytes', title: t('explain.bytes'), cell: (one) => (one.bytes ? <code>{one.bytes}</code> : <span class="hint">{one.bytes_missing ?? '–'}</span>)},
            {id: 'quality', title: t('devices.quality'), cell: (one) => <span class={one.quality?.origin === 'measured' ? '' : 'text-warning'}>{qualityText(one.quality?.origin ?? '', ui)}{one.quality?.rule ? ` (${one.quality.rule})` : ''}</span>},
          ]} />
        : null}
      {point.readings_left_out ? <p class="hint">{t('explain.readings.leftOut', {n: point.readings_left_out})}</p> : null}
      {point.derived
        ? <>
            <p class="formula-line"><code>{point.derived.text ?? point.derived.formula}</code></p>
            {point.derived.inputs?.map((input) => input.point ? <details key={input.role}><summary>{input.role}: {exact(input.value, ui)} {unitText(input.unit)}</summary><PointView point={input.point} unit={input.unit} /></details> : <p key={input.role}>{input.role}: {exact(input.value, ui)} {unitText(input.unit)}</p>)}
          </>
        : null}
    </>
  );
}

function PlaceView(props: {place: LedgerPlace}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {place} = props;
  return (
    <span class="place">
      {place.number ? <span>{t('explain.ledger.number', {n: ui.integer(place.number)})}</span> : null}
      {place.hash ? <><code class="hash" title={place.hash}>{place.hash}</code> <Badge tone={place.hash_fits ? 'good' : 'bad'}>{t(place.hash_fits ? 'explain.hash.fits' : 'explain.hash.broken')}</Badge></> : null}
      {place.seal ? <Badge tone={place.seal.genuine ? 'good' : 'bad'} icon="lock">{t(place.seal.genuine ? 'explain.seal.genuine' : 'explain.seal.false')}</Badge> : <span class="hint">{t('explain.seal.none')}</span>}
      {place.trouble ? <span class="text-bad">{place.trouble}</span> : null}
    </span>
  );
}

function EntryView(props: {e: EntryExplained}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {e} = props;
  const known = e.known;
  const u95 = Number(e.activity_u95_percent) > 0 ? e.activity_u95_percent : undefined;  // 0: nobody has stated it
  return (
    <>
      <Card title={t('explain.result')} hint={`${e.user_name || e.user || ''} · ${ui.carrier(e.carrier ?? '')} · ${ui.time(e.begin, 'full')} – ${ui.time(e.end, 'minute')}`}>
        <Facts facts={[
          [t('ledger.amount'), <Large number={exact(known?.amount, ui)} unit={unitText(known?.unit ?? '')} />],
          [t('measure.co2e'), <Large number={exact(known?.location_based?.co2e_kg, ui)} u95={u95Text(known?.location_based, ui)} unit="kg" />],
          known?.market_based?.co2e_kg !== undefined && [t('measure.market'), `${exact(known.market_based.co2e_kg, ui)} kg`],
          [t('measure.kgce'), `${exact(known?.coal_kgce, ui)} kgce`],
          [t('measure.coverage'), `${exact(known?.coverage_percent, ui)} %`],
          known?.quality?.origin !== undefined && [t('ledger.quality'), <>{qualityText(known.quality.origin, ui)}{known.quality.rule ? ` (${known.quality.rule})` : ''}{ui.lang === 'en' ? <span class="hint block">{known.quality.rule_meaning ?? known.quality.origin_meaning}</span> : null}</>],
          [t('explain.meter'), e.meter?.device || e.meter?.accuracy ? <>{e.meter.device} {e.meter.accuracy}{u95 ? <span class="hint block">± {u95} %</span> : null}</> : u95 ? `± ${u95} %` : null],
        ]} />
      </Card>
      {e.formulas && e.formulas.length > 0 ? <Card title={t('explain.formula')}>{e.formulas.map((formula) => <FormulaView key={formula.result} formula={formula} />)}</Card> : null}
      {e.point ? <Card title={t('explain.readings')}><PointView point={e.point} unit={known?.unit ?? ''} /></Card> : null}
      {e.revisions && e.revisions.length > 0
        ? <Card title={t('explain.ledger')}>
            <Table label={t('explain.ledger')} rows={e.revisions} keyOf={(one) => String(one.revision)} columns={[
              {id: 'revision', title: t('explain.revision'), header: true, cell: (one) => one.revision},
              {id: 'co2e', title: 'kg CO₂e', number: true, cell: (one) => exact(one.figures?.location_based?.co2e_kg, ui)},
              {id: 'cause', title: t('explain.cause'), cell: (one) => <>{one.cause ?? '–'}{one.note ? <span class="hint block">{one.note}</span> : null}</>},
              {id: 'booked', title: t('explain.booked'), cell: (one) => (one.booked_at ? ui.time(one.booked_at, 'full') : '–')},
              {id: 'place', title: t('explain.ledger'), wide: true, cell: (one) => <PlaceView place={one.ledger ?? {}} />},
            ]} />
          </Card>
        : null}
    </>
  );
}

// ---- a period

function Lines(props: {title: string; lines: PeriodLine[] | undefined}): JSX.Element | null {
  const ui = useUi();
  const {t} = ui;
  const {lines} = props;
  if (!lines || lines.length === 0) return null;
  return (
    <Card title={props.title}>
      <Table label={props.title} rows={lines} keyOf={(one) => one.name} columns={[
        {id: 'name', title: t('explain.entry'), header: true, cell: (one) => <a class="name-link" href={hrefOf(['ledger', 'explain', one.name])}>{one.name}</a>},
        {id: 'amount', title: t('ledger.amount'), number: true, cell: (one) => (one.amount ? <Why name={one.name} number={exact(one.amount, ui)} unit={unitText(one.unit ?? '')} /> : '–')},
        {id: 'co2e', title: 'kg CO₂e', number: true, cell: (one) => <Why name={one.name} number={exact(one.co2e_kg, ui)} u95={u95Text(one, ui)} />},
        {id: 'kgce', title: 'kgce', number: true, cell: (one) => exact(one.coal_kgce, ui)},
        {id: 'coverage', title: t('measure.coverage'), number: true, cell: (one) => (one.coverage_percent === undefined ? '–' : `${exact(one.coverage_percent, ui)} %`)},
      ]} />
    </Card>
  );
}

function PeriodView(props: {e: PeriodExplained}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {total} = props.e;
  return (
    <>
      <Card title={t('explain.result')} hint={`${ui.time(total.begin, 'date')} – ${ui.time(total.end ? Date.parse(total.end) - 1 : undefined, 'date')}`}>
        <Facts facts={[
          total.amount !== undefined && [t('ledger.amount'), <Large number={exact(total.amount, ui)} unit={unitText(total.unit ?? '')} />],
          [t('measure.co2e'), <Large number={exact(total.co2e_kg, ui)} u95={u95Text(total, ui)} unit="kg" />],
          [t('statement.firstPublished'), `${exact(total.co2e_first_kg, ui)} kg`],
          [t('measure.market'), total.market_co2e_kg ? `${exact(total.market_co2e_kg, ui)} kg` : null],
          [t('measure.kgce'), `${exact(total.coal_kgce, ui)} kgce`],
          [t('measure.coverage'), total.coverage_percent === undefined ? null : `${exact(total.coverage_percent, ui)} %`],
        ]} />
      </Card>
      <Lines title={t('users.title')} lines={props.e.users} />
      <Lines title={t('users.carriers')} lines={props.e.accounts} />
      <Lines title={t('explain.parts')} lines={props.e.parts} />
      <Lines title={t('ledger.entries')} lines={props.e.entries} />
    </>
  );
}

export function ExplanationPage(props: {name: string}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  useCell(session);
  const query = useQuery(props.name, (signal) => get<Answer>(['ledger', 'entries', props.name, 'explanation'], {}, signal));
  return (
    <>
      <a class="back" href={hrefOf(['ledger'])} onClick={(event) => { if (history.length > 1) { event.preventDefault(); history.back(); } }}><Icon name="left" />{t('common.back')}</a>
      <h1>{t('explain.title')}</h1>
      <p class="explain-name"><code>{props.name}</code></p>
      <Loaded query={query} lines={10}>
        {(answer) => (
          <>
            {'entry' in answer ? <EntryView e={answer} /> : 'total' in answer ? <PeriodView e={answer} /> : <Card><Empty title={t('state.none')} /></Card>}
            <Card title={t('explain.copy')}>
              <p><code class="command">carbongate explain CONFIG {`'${props.name}'`}</code></p>
              <details><summary>{t('explain.all')}</summary><pre class="raw" tabIndex={0}>{JSON.stringify(answer, null, 2)}</pre></details>
            </Card>
          </>
        )}
      </Loaded>
    </>
  );
}
