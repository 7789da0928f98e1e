// What an energy user took over a day, a week, a month or a year, and against another one.
import type {JSX} from 'preact';
import {useMemo, useState} from 'preact/hooks';
import {get, useQuery} from '../lib/api.ts';
import type {Column, Interval, Measure, Series} from '../lib/api_types.ts';
import {sourceColour} from '../lib/colour.ts';
import {unitText} from '../lib/format.ts';
import {gatewayTime} from '../lib/live.ts';
import {replaceQuery, route} from '../lib/route.ts';
import {addUp, align, comparableLength, inTotal, intervalsOf, moved, slotsOf, spanOf, sumOf, usualInterval, yearEarlier, type Span, type SpanKind} from '../lib/series.ts';
import {useCell} from '../lib/state.ts';
import {dateField, ofDateField, rfc3339, type TimeStyle} from '../lib/zone.ts';
import {Chart, tip, tooltipStyle, type Option, type Palette} from '../view/chart.tsx';
import {Icon} from '../view/icon.tsx';
import {Card, Choice, Empty, Loaded, Select, Swatch} from '../view/parts.tsx';
import {Table} from '../view/table.tsx';
import {useUi, type Ui} from '../view/ui.ts';

type Compare = 'none' | 'before' | 'year';
type Scope = 'all' | '1' | '2';
type Basis = 'location' | 'market';

interface Line {
  id: string;
  name: string;
  colour: string;
  values: (number | null)[];
}

interface Drawn {
  slots: number[];
  lines: Line[];
  unit: string;
  total: number | null;
  compared: (number | null)[] | undefined;
  comparedTotal: number | null;  // of as much as has passed of the span itself
  comparedSlots: number[];
  comparedCoverage: number | null;  // percent of the time that comparedTotal is of
}

function styleOf(interval: Interval, kind: SpanKind): TimeStyle {
  if (interval === 'month') return 'month';
  if (interval === 'day') return 'date';
  return kind === 'day' ? 'minute' : 'stamp';
}

// Energy of carriers with different units cannot stand in one sum: the first unit wins, and the others are in the table of carriers.
function unitsOf(columns: readonly Column[]): string[] {
  return [...new Set(columns.map((column) => column.unit))];
}

function drawn(series: Series, other: Series | undefined, span: Span, otherSpan: Span | undefined, interval: Interval, unit: string | undefined, at: number, ui: Ui): Drawn {
  const counted = series.series.filter(inTotal);
  const unitHere = unit ?? unitsOf(counted)[0] ?? '';
  const columns = counted.filter((column) => column.unit === unitHere);
  const slots = slotsOf(span, interval, ui.zone);
  const lines = columns.map((column) => ({
    id: `${column.carrier}/${column.supply}/${column.scope ?? ''}/${column.flow}`,
    name: column.supply === column.carrier ? ui.carrier(column.carrier) : `${ui.carrier(column.carrier)} · ${ui.source(column.supply)}`,
    colour: sourceColour(column.supply),
    values: align(series, column.values, slots),
  }));
  const total = sumOf(columns.flatMap((column) => column.values));
  if (!other || !otherSpan) return {slots, lines, unit: unitHere, total, compared: undefined, comparedTotal: null, comparedSlots: [], comparedCoverage: null};
  const comparedSlots = slotsOf(otherSpan, interval, ui.zone);
  const others = other.series.filter((column) => inTotal(column) && column.unit === unitHere);
  const sums = align(other, addUp(others, other.begin.length), comparedSlots);
  const length = comparableLength(slots, at);
  const covered = others.flatMap((column) => align(other, column.coverage_percent, comparedSlots).slice(0, length)).map((percent) => percent ?? 0);
  const comparedCoverage = covered.length === 0 ? null : covered.reduce((sum, percent) => sum + percent, 0) / covered.length;
  return {slots, lines, unit: unitHere, total, compared: slots.map((_, i) => sums[i] ?? null), comparedTotal: sumOf(sums.slice(0, length)), comparedSlots, comparedCoverage};
}

// Each line with all below it added.
function stacked(lines: readonly Line[], length: number): {line: Line; values: (number | null)[]}[] {
  let below: (number | null)[] = new Array<number | null>(length).fill(null);
  return lines.map((line) => {
    const values = below.map((sum, i) => {
      const value = line.values[i] ?? null;
      return value === null ? sum : (sum ?? 0) + value;
    });
    below = values;
    return {line, values};
  });
}

function optionOf(data: Drawn, interval: Interval, kind: SpanKind, ui: Ui, p: Palette): Option {
  const {slots, lines} = data;
  const many = slots.length > 400;
  const style = styleOf(interval, kind);
  const axisStyle: TimeStyle = interval === 'month' ? 'month' : kind === 'day' ? 'minute' : interval === 'day' || kind !== 'week' ? 'date' : 'stamp';
  const label = (at: number) => {
    const text = ui.time(at, axisStyle);
    return interval === 'month' ? text.replace(/\s*\d{4}\s*年?/, '').trim() || text : text.replace(/\s?\d{4}年?$|^\d{4}年/, '').trim();
  };
  return {
    animation: !many,
    grid: {left: p.rem * 0.4, right: p.rem * 0.6, top: p.rem * 1.9, bottom: p.rem * 0.3, containLabel: true},
    tooltip: {
      ...tooltipStyle(p),
      trigger: 'axis',
      axisPointer: {type: many ? 'line' : 'shadow', shadowStyle: {opacity: 0.12}},
      formatter: (events: {dataIndex: number}[]) => {
        const i = events[0]?.dataIndex ?? 0;
        const rows = lines.map((line) => ({colour: line.colour, name: line.name, value: ui.quantity(line.values[i], data.unit)}));
        if (lines.length > 1) rows.push({colour: 'transparent', name: ui.t('common.total'), value: ui.quantity(sumOf(lines.map((line) => line.values[i] ?? null)), data.unit)});
        if (data.compared) rows.push({colour: p.compare, name: ui.time(data.comparedSlots[i], style), value: ui.quantity(data.compared[i], data.unit)});
        return tip(ui.time(slots[i], style), rows);
      },
    },
    xAxis: {
      type: 'category', data: slots, boundaryGap: !many,
      axisLabel: {color: p.muted, fontSize: p.rem * 0.75, hideOverlap: true, formatter: (value: string) => label(Number(value))},
      axisLine: {lineStyle: {color: p.line}}, axisTick: {show: false},
    },
    yAxis: {
      type: 'value', name: data.unit.replace('CO2', 'CO₂'), nameTextStyle: {color: p.muted, align: 'left', fontSize: p.rem * 0.75}, nameGap: p.rem * 0.7,
      axisLabel: {color: p.muted, fontSize: p.rem * 0.75, formatter: (value: number) => ui.number(value, 4)}, splitLine: {lineStyle: {color: p.line}},
    },
    ...(many ? {dataZoom: [{type: 'inside', filterMode: 'none'}]} : {}),
    series: [
      // Of many slots the areas are added up here and painted over each other, the highest first: stacking them takes ECharts three times as long.
      ...(many ? stacked(lines, slots.length).reverse() : []).map(({line, values}) => ({
        type: 'line', name: line.name, data: values, symbol: 'none', sampling: 'average', lineStyle: {width: 0}, areaStyle: {color: line.colour, opacity: 1}, itemStyle: {color: line.colour}, emphasis: {disabled: true}, silent: true,
      })),
      ...(many ? [] : lines).map((line) => ({type: 'bar', name: line.name, stack: 'sum', data: line.values, itemStyle: {color: line.colour}, barCategoryGap: '22%', barMaxWidth: p.rem * 3, emphasis: {disabled: true}})),
      ...(data.compared ? [{type: 'line', name: ui.t('users.compare'), data: data.compared, symbol: 'none', ...(many ? {sampling: 'average'} : {}), step: many ? false : 'middle', lineStyle: {color: p.compare, width: p.rem * 0.11, type: 'solid'}, itemStyle: {color: p.compare}, z: 5, emphasis: {disabled: true}}] : []),
    ],
  };
}

function spanText(span: Span, ui: Ui): string {
  if (span.kind === 'day') return ui.time(span.from, 'date');
  if (span.kind === 'month') return ui.time(span.from, 'month');
  if (span.kind === 'year') return ui.time(span.from, 'month').replace(/[^\d年]*(\d{4}年?).*/, '$1');
  return `${ui.time(span.from, 'date')} – ${ui.time(span.until - 1, 'date')}`;
}

function Change(props: {data: Drawn; ui: Ui}): JSX.Element | null {
  const {data, ui} = props;
  if (data.comparedTotal === null || data.total === null) return null;
  const total = ui.quantity(data.comparedTotal, data.unit, 4);
  const share = data.comparedTotal === 0 ? null : (data.total / data.comparedTotal - 1) * 100;
  if (share === null) return null;
  const isWhole = data.comparedCoverage === null || data.comparedCoverage > 99;
  const covered = isWhole ? null : <span class="hint"> {ui.t('users.compare.covered', {percent: ui.percent(data.comparedCoverage, 1)})}</span>;
  if (Math.abs(share) < 0.05) return <p class="change">{ui.t('users.compare.same', {total})}{covered}</p>;
  return <p class="change"><Swatch colour="currentColor" /> {ui.t('users.compare.change', {change: `${share > 0 ? '+' : '−'}${ui.percent(Math.abs(share), 1)}`, total})}{covered}</p>;
}

export function Trend(props: {user: string}): JSX.Element {
  const ui = useUi();
  const {t, zone} = ui;
  const {query} = useCell(route);
  const [asTable, setAsTable] = useState(false);
  const measure: Measure = query.measure === 'kgce' || query.measure === 'energy' ? query.measure : 'co2e';
  const kind: SpanKind = query.span === 'week' || query.span === 'month' || query.span === 'year' ? query.span : 'day';
  const compare: Compare = query.compare === 'before' || query.compare === 'year' ? query.compare : 'none';
  const scope: Scope = query.scope === '1' || query.scope === '2' ? query.scope : 'all';
  const basis: Basis = query.basis === 'market' ? 'market' : 'location';
  const siteNow = gatewayTime();
  const span = spanOf(kind, ofDateField(query.day ?? '', zone) ?? siteNow, zone);
  const interval: Interval = intervalsOf[kind].find((one) => one === query.interval) ?? usualInterval[kind];
  const otherSpan = compare === 'none' ? undefined : compare === 'before' ? moved(span, -1, zone) : yearEarlier(span, zone);

  const asked = {measure, interval, ...(measure === 'co2e' ? {basis} : {}), ...(scope === 'all' ? {} : {scope})};
  const load = (one: Span) => (signal: AbortSignal) => get<Series>(['energy-users', props.user, 'series'], {...asked, from: rfc3339(one.from), until: rfc3339(one.until)}, signal);
  const key = (one: Span | undefined) => (one ? JSON.stringify([props.user, asked, one.from, one.until]) : undefined);
  const goesOn = span.until > siteNow;
  const series = useQuery(key(span), load(span), goesOn ? (interval === 'quarter_hour' && kind === 'year' ? 900_000 : 60_000) : undefined);
  const other = useQuery(key(otherSpan), otherSpan ? load(otherSpan) : () => Promise.reject(new Error()));
  const units = series.data ? unitsOf(series.data.series.filter(inTotal)) : [];
  const unit = units.find((one) => one === query.unit) ?? units[0];
  const data = useMemo(
    () => (series.data ? drawn(series.data, other.data, span, otherSpan, interval, unit, siteNow, ui) : undefined),
    [series.data, other.data, span.from, otherSpan?.from, interval, unit, ui.lang]);

  const set = (change: Record<string, string | undefined>) => replaceQuery(change);
  const goTo = (to: Span) => set({day: dateField(to.from, zone)});
  const name = props.user === 'site' ? t('users.site') : ui.user(props.user);

  return (
    <Card title={`${t('users.trend')} · ${name}`} class="trend"
      actions={<button type="button" class="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{t(asTable ? 'common.chart' : 'common.table')}</button>}>
      <div class="controls">
        <Choice label={t('users.measure')} value={measure} onChange={(value) => set({measure: value === 'co2e' ? undefined : value})}
          options={[{value: 'co2e', text: t('measure.co2e')}, {value: 'energy', text: t('measure.energy')}, {value: 'kgce', text: t('measure.kgce')}]} />
        <Choice label={t('users.span')} value={kind} onChange={(value) => set({span: value === 'day' ? undefined : value, interval: undefined})}
          options={(['day', 'week', 'month', 'year'] as const).map((value) => ({value, text: t(`users.span.${value}`)}))} />
        <div class="stepper">
          <button type="button" class="icon-button" aria-label={t('users.earlier')} title={t('users.earlier')} onClick={() => goTo(moved(span, -1, zone))}><Icon name="left" /></button>
          <label class="field field-bare"><span class="visually-hidden">{t('users.span')}</span><input type="date" value={dateField(Math.min(Math.max(span.from, ofDateField(query.day ?? '', zone) ?? siteNow), span.until - 1), zone)} max={dateField(siteNow, zone)} onChange={(event) => set({day: event.currentTarget.value})} /></label>
          <button type="button" class="icon-button" aria-label={t('users.later')} title={t('users.later')} disabled={goesOn} onClick={() => goTo(moved(span, 1, zone))}><Icon name="right" /></button>
        </div>
        <Select label={t('users.interval')} value={interval} onChange={(value) => set({interval: value === usualInterval[kind] ? undefined : value})}
          options={intervalsOf[kind].map((value) => ({value, text: t(`users.interval.${value}`)}))} />
        <Select label={t('users.compare')} value={compare} onChange={(value) => set({compare: value === 'none' ? undefined : value})}
          options={(['none', 'before', 'year'] as const).map((value) => ({value, text: t(`users.compare.${value}`)}))} />
        <Select label={t('measure.scope')} value={scope} onChange={(value) => set({scope: value === 'all' ? undefined : value})}
          options={[{value: 'all', text: t('common.all')}, {value: '1', text: t('measure.scope1')}, {value: '2', text: t('measure.scope2')}]} />
        {measure === 'co2e'
          ? <Select label={t('users.basis')} value={basis} onChange={(value) => set({basis: value === 'location' ? undefined : value})}
              options={[{value: 'location', text: t('measure.location')}, {value: 'market', text: t('measure.market')}]} />
          : null}
        {units.length > 1 && unit
          ? <Select label={t('users.unit')} value={unit} onChange={(value) => set({unit: value === units[0] ? undefined : value})} options={units.map((value) => ({value, text: unitText(value)}))} />
          : null}
      </div>
      <Loaded query={series} lines={8}>
        {() => !data || data.total === null
          ? <Empty title={t('users.trend.none')} hint={spanText(span, ui)} />
          : <>
              <div class="trend-head">
                <p class="trend-total"><strong>{ui.quantity(data.total, data.unit)}</strong> <span class="hint">{spanText(span, ui)}</span></p>
                <Change data={data} ui={ui} />
                <ul class="legend">{data.lines.map((line) => <li key={line.id}><Swatch colour={line.colour} />{line.name} <span class="hint">{ui.quantity(sumOf(line.values), data.unit, 4)}</span></li>)}</ul>
              </div>
              {asTable
                ? <TrendTable data={data} style={styleOf(interval, kind)} ui={ui} />
                : <Chart class="chart-trend" deps={[data, ui.lang]} option={(p) => optionOf(data, interval, kind, ui, p)}
                    label={t('users.trend.label', {measure: t(measure === 'co2e' ? 'measure.co2e' : measure === 'kgce' ? 'measure.kgce' : 'measure.energy'), user: name, from: ui.time(span.from, 'date'), until: ui.time(span.until - 1, 'date'), total: ui.quantity(data.total, data.unit)})} />}
            </>}
      </Loaded>
    </Card>
  );
}

const kRowsShown = 800;

function TrendTable(props: {data: Drawn; style: TimeStyle; ui: Ui}): JSX.Element {
  const {data, ui} = props;
  const rows = data.slots.map((at, i) => ({at, i})).filter(({i}) => data.lines.some((line) => line.values[i] !== null)).slice(-kRowsShown);
  return (
    <Table label={ui.t('users.trend')} rows={rows} keyOf={(row) => String(row.at)} class="table-tall"
      columns={[
        {id: 'time', title: ui.t('common.time'), header: true, cell: (row) => ui.time(row.at, props.style === 'minute' ? 'stamp' : props.style)},
        ...data.lines.map((line) => ({id: line.id, title: line.name, number: true, cell: (row: {i: number}) => ui.quantity(line.values[row.i], data.unit)})),
        ...(data.lines.length > 1 ? [{id: 'total', title: ui.t('common.total'), number: true, cell: (row: {i: number}) => ui.quantity(sumOf(data.lines.map((line) => line.values[row.i] ?? null)), data.unit)}] : []),
        ...(data.compared ? [{id: 'compared', title: ui.t('users.compare'), number: true, cell: (row: {i: number}) => ui.quantity(data.compared?.[row.i], data.unit)}] : []),
      ]} />
  );
}
