// One device: its points as they are now, how well it was watched, and what came over the wire.
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {ApiError, get, send, session, useHas, useQuery} from '../lib/api.ts';
import type {Coverage, Device as DeviceAnswer, Frame, Frames as FramesAnswer, LatestReading, ReadNow as ReadAnswer, Readings} from '../lib/api_types.ts';
import {isKnown, unitText} from '../lib/format.ts';
import {deviceStates, gatewayTime, readings as liveReadings, watchPoints} from '../lib/live.ts';
import {hrefOf} from '../lib/route.ts';
import {useCell} from '../lib/state.ts';
import {rfc3339, startOf, wallAt} from '../lib/zone.ts';
import {Chart, tip, tooltipStyle, type Option, type Palette} from '../view/chart.tsx';
import {Icon} from '../view/icon.tsx';
import {Card, Empty, Loaded, Select, whyText} from '../view/parts.tsx';
import {Table} from '../view/table.tsx';
import {useClock, useUi, type Ui} from '../view/ui.ts';
import {newest, StateBadge} from './devices.tsx';
import {qualityText} from './quality.ts';

const kDays = 30;

function mayOperate(): boolean {
  return session.value?.role === 'operator' || session.value?.role === 'administrator';
}

// ---- coverage

function coverageOption(coverage: Coverage, ui: Ui, p: Palette): Option {
  const days = coverage.days.begin;
  const dayOf = new Map(days.map((begin, i) => {
    const wall = wallAt(begin * 1000, ui.zone);
    return [`${wall.year}-${wall.month}-${wall.day}`, i];
  }));
  const cells: {value: [number, number, number]; begin: number}[] = [];
  coverage.hours.begin.forEach((begin, i) => {
    const percent = coverage.hours.percent[i];
    const wall = wallAt(begin * 1000, ui.zone);
    const row = dayOf.get(`${wall.year}-${wall.month}-${wall.day}`);
    const isOver = (begin + 3600) * 1000 <= gatewayTime();
    if (isKnown(percent) && isOver && row !== undefined) cells.push({value: [wall.hour, row, Math.round(percent * 100) / 100], begin});
  });
  return {
    animation: false,
    grid: {left: p.rem * 0.2, right: p.rem * 0.4, top: p.rem * 0.4, bottom: p.rem * 0.2, containLabel: true},
    tooltip: {
      ...tooltipStyle(p),
      formatter: (event: {data: (typeof cells)[number]}) => tip(`${ui.time(event.data.begin * 1000, 'stamp')}`, [{name: ui.t('measure.coverage'), value: ui.percent(event.data.value[2], 1)}]),
    },
    xAxis: {type: 'category', data: Array.from({length: 24}, (_, hour) => String(hour)), axisLabel: {color: p.muted, fontSize: p.rem * 0.72, interval: 2}, axisLine: {show: false}, axisTick: {show: false}, splitArea: {show: false}},
    yAxis: {
      type: 'category', inverse: true, data: days, axisLine: {show: false}, axisTick: {show: false},
      axisLabel: {color: p.muted, fontSize: p.rem * 0.72, interval: (i: number) => i % Math.ceil(days.length / 8) === 0, formatter: (value: string) => ui.time(Number(value) * 1000, 'date').replace(/\s?\d{4}年?$|^\d{4}年/, '')},
    },
    visualMap: {show: false, type: 'continuous', min: 0, max: 100, dimension: 2, inRange: {color: ['#a33b2d', '#d98a3a', '#e3c558', '#8fbf6a', '#1f9e6d']}},
    series: [{type: 'heatmap', data: cells, itemStyle: {borderColor: p.surface, borderWidth: Math.max(1, p.rem * 0.09), borderRadius: 2}, emphasis: {itemStyle: {borderColor: p.text}}}],
  };
}

function CoverageCard(props: {id: string}): JSX.Element {
  const ui = useUi();
  const {t, zone} = ui;
  const at = gatewayTime();
  const until = startOf('day', at, zone, 1);
  const from = startOf('day', at, zone, 1 - kDays);
  const [asTable, setAsTable] = useState(false);
  const query = useQuery(`coverage/${props.id}/${from}`, (signal) => get<Coverage>(['devices', props.id, 'coverage'], {from: rfc3339(from), until: rfc3339(until)}, signal), 300_000);
  return (
    <Card title={t('devices.coverage', {n: kDays})} hint={t('devices.coverage.hint')}
      actions={<button type="button" class="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{t(asTable ? 'common.chart' : 'common.table')}</button>}>
      <Loaded query={query} lines={6}>
        {(coverage) => {
          const known = coverage.days.percent.filter(isKnown);
          if (known.length === 0) return <Empty title={t('devices.coverage.none')} hint={t('devices.coverage.none.hint')} />;
          if (asTable) {
            const rows = coverage.days.begin.map((begin, i) => ({begin, percent: coverage.days.percent[i]})).reverse();
            return <Table label={t('devices.coverage', {n: kDays})} rows={rows} keyOf={(row) => String(row.begin)} columns={[
              {id: 'day', title: t('users.span.day'), header: true, cell: (row) => ui.time(row.begin * 1000, 'date')},
              {id: 'percent', title: t('measure.coverage'), number: true, cell: (row) => ui.percent(row.percent, 2)},
            ]} />;
          }
          return <Chart class="chart-coverage" label={t('devices.coverage.label', {worst: ui.percent(Math.min(...known), 1)})} deps={[coverage, ui.lang]} option={(p) => coverageOption(coverage, ui, p)} />;
        }}
      </Loaded>
    </Card>
  );
}

// ---- readings

function readingsOption(data: Readings, ui: Ui, p: Palette): Option {
  const wide = data.kind !== 'cumulative';
  const values = wide ? data.mean : data.last;
  const band = wide ? data.max.map((high, i) => (isKnown(high) && isKnown(data.min[i]) ? high - (data.min[i] as number) : null)) : [];
  return {
    animation: false,
    grid: {left: p.rem * 0.4, right: p.rem * 1.4, top: p.rem * 1.8, bottom: p.rem * 0.3, containLabel: true},
    tooltip: {
      ...tooltipStyle(p), trigger: 'axis',
      formatter: (events: {dataIndex: number}[]) => {
        const i = events[0]?.dataIndex ?? 0;
        const rows = [{colour: p.accent, name: ui.t('devices.value'), value: `${ui.number(values[i], 6)} ${data.unit}`}];
        if (wide) rows.push({colour: 'transparent', name: 'min … max', value: `${ui.number(data.min[i], 5)} … ${ui.number(data.max[i], 5)}`});
        return tip(ui.time((data.begin[i] ?? 0) * 1000, 'full'), rows);
      },
    },
    xAxis: {type: 'category', boundaryGap: false, data: data.begin, axisLabel: {color: p.muted, fontSize: p.rem * 0.75, hideOverlap: true, formatter: (value: string) => ui.time(Number(value) * 1000, 'minute')}, axisLine: {lineStyle: {color: p.line}}, axisTick: {show: false}},
    yAxis: {type: 'value', scale: true, name: data.unit, nameTextStyle: {color: p.muted, align: 'left'}, axisLabel: {color: p.muted, fontSize: p.rem * 0.75, formatter: (value: number) => ui.number(value, 5)}, splitLine: {lineStyle: {color: p.line}}},
    series: [
      ...(wide
        ? [{type: 'line', stack: 'band', data: data.min, symbol: 'none', lineStyle: {width: 0}, silent: true, stackStrategy: 'all'},
           {type: 'line', stack: 'band', data: band, symbol: 'none', lineStyle: {width: 0}, areaStyle: {color: p.accent, opacity: 0.18}, silent: true, stackStrategy: 'all'}]
        : []),
      {type: 'line', data: values, symbol: values.length < 40 ? 'circle' : 'none', symbolSize: p.rem * 0.4, lineStyle: {color: p.accent, width: p.rem * 0.11}, itemStyle: {color: p.accent}},
    ],
  };
}

function ReadingsCard(props: {points: LatestReading[]}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const first = props.points.find((point) => point.name === 'active_power' || point.name === 'power') ?? props.points.find((point) => point.kind === 'instantaneous') ?? props.points[0];
  const [chosen, setChosen] = useState(first?.point ?? '');
  const point = props.points.find((one) => one.point === chosen) ?? first;
  const at = Math.floor((gatewayTime()) / 60_000) * 60_000;
  const query = useQuery(point ? `readings/${point.point}` : undefined,
    (signal) => get<Readings>(['points', point?.point ?? '', 'readings'], {from: rfc3339(at - 86_400_000), until: rfc3339(at + 60_000), points: 480}, signal), 60_000);
  return (
    <Card title={t('devices.trend')} actions={<Select label={t('devices.point')} value={point?.point ?? ''} onChange={setChosen} options={props.points.map((one) => ({value: one.point, text: one.name}))} />}>
      <Loaded query={query} lines={6}>
        {(data) => data.begin.length === 0
          ? <Empty title={t('devices.trend.none')} />
          : <Chart class="chart-readings" deps={[data, ui.lang]} option={(p) => readingsOption(data, ui, p)}
              label={t('devices.trend.label', {point: point?.name ?? '', min: `${ui.number(Math.min(...data.min.filter(isKnown)))} ${data.unit}`, max: `${ui.number(Math.max(...data.max.filter(isKnown)))} ${data.unit}`})} />}
      </Loaded>
    </Card>
  );
}

// ---- points, frames

function Points(props: {points: LatestReading[]}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const live = useCell(liveReadings);
  const at = useClock(1000);
  const rows = props.points.map((point) => {
    const heard = live.get(point.point);
    return heard && (!point.at || heard.at >= point.at) ? {...point, at: heard.at, value: heard.value, quality: heard.quality, rule: heard.rule} : point;
  });
  return (
    <Card title={t('devices.points')}>
      <Table label={t('devices.points')} rows={rows} class={rows.length > 12 ? 'table-tall' : ''} keyOf={(row) => row.point} columns={[
        {id: 'point', title: t('devices.point'), header: true, cell: (row) => row.name},
        {id: 'value', title: t('devices.value'), number: true, cell: (row) => (row.at ? <span class="figure" data-point={row.point}><span class="figure-number">{ui.number(row.value, 7)}</span><span class="figure-unit">{`\u00a0${unitText(row.unit)}`}</span></span> : <span class="hint">{t('devices.noValue')}</span>)},
        {id: 'quality', title: t('devices.quality'), cell: (row) => (row.quality ? <span class={row.quality === 'measured' ? '' : 'text-warning'}>{qualityText(row.quality, ui)}{row.rule ? ` (${row.rule})` : ''}</span> : '–')},
        {id: 'at', title: t('devices.at'), number: true, cell: (row) => <span title={ui.time(row.at, 'full')}>{ui.ago(row.at, at)}</span>},
      ]} />
    </Card>
  );
}

function FrameLine(props: {frame: Frame}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {frame} = props;
  const arrow = {sent: '→', received: '←', missing: '∅'}[frame.direction];
  // What would reorder or hide the text around it is spelled out.
  const text = frame.text?.replace(/\p{Cf}/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  const shown = text ?? frame.hex?.replace(/(..)/g, '$1 ').trim() ?? '';
  const left = frame.bytes - (frame.hex === null ? new TextEncoder().encode(frame.text ?? '').length : frame.hex.length / 2);
  return (
    <li>
      <span class="frame-time">{ui.time(frame.at, 'time')}</span>
      <span class={`frame-direction frame-${frame.direction}`}>{arrow} {t(`devices.frames.${frame.direction}`)}</span>
      <div>
        {frame.about ? <span class="hint block">{frame.about}</span> : null}
        {shown ? <code class={frame.text === null ? '' : 'frame-text'}>{shown}</code> : null}
        {left > 0 ? <span class="hint"> {t('devices.frames.left', {n: ui.integer(left)})}</span> : null}
        {frame.trouble ? <span class="frame-trouble">{frame.trouble}</span> : null}
        <span class="hint frame-facts">
          {isKnown(frame.unit) ? <span>{t('devices.frames.unit', {n: String(frame.unit)})}</span> : null}
          {frame.bytes > 0 ? <span>{t('devices.frames.bytes', {n: ui.integer(frame.bytes)})}</span> : null}
          {isKnown(frame.took_ms) ? <span>{`${ui.number(frame.took_ms, 3)} ms`}</span> : null}
        </span>
      </div>
    </li>
  );
}

function Frames(props: {id: string}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const query = useQuery(`frames/${props.id}`, (signal) => get<FramesAnswer>(['devices', props.id, 'frames'], {}, signal), 2000);
  const {data} = query;
  const count = data && data.dropped > 0 ? t('devices.frames.count', {n: ui.integer(data.frames.length), all: ui.integer(data.added)}) : '';
  return (
    <Card title={t('devices.frames')} hint={<>{t('devices.frames.hint')} {count}</>}>
      <Loaded query={query}>
        {(answer) => answer.frames.length === 0
          ? <Empty title={t(answer.frames_max === 0 ? 'devices.frames.never' : 'devices.frames.none')} />
          : <ol class="frames" tabIndex={0} aria-label={t('devices.frames')}>
              {[...answer.frames].reverse().map((frame, i) => <FrameLine key={answer.added - i} frame={frame} />)}
            </ol>}
      </Loaded>
    </Card>
  );
}

function ReadNow(props: {id: string; done: () => void}): JSX.Element {
  const ui = useUi();
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    setSaid(ui.t('devices.read.asked'));
    try {
      const answer = await (await send('POST', ['devices', props.id, 'read'])).json() as ReadAnswer;
      const counts = {n: ui.integer(answer.readings.length), ms: ui.integer(answer.took_ms)};
      setSaid(answer.trouble ? ui.t('devices.read.partly', {...counts, why: answer.trouble}) : ui.t('devices.read.done', counts));
      props.done();
    } catch (error) {
      setSaid(ui.t('devices.read.failed', {why: error instanceof ApiError ? whyText(error, ui) : String(error)}));
    }
    setBusy(false);
  };
  return (
    <span class="read-now">
      <span role="status" class="hint">{said}</span>
      <button type="button" class="button button-main" disabled={busy} onClick={() => void ask()}><Icon name="refresh" />{ui.t('devices.read')}</button>
    </span>
  );
}

export function DevicePage(props: {id: string}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const live = useCell(deviceStates);
  const at = useClock(1000);
  useCell(session);
  const hasFrames = useHas('/devices/{id}/frames');
  const hasRead = useHas('/devices/{id}/read');
  const query = useQuery(`device/${props.id}`, (signal) => get<DeviceAnswer>(['devices', props.id], {}, signal), 5000);
  const points = query.data?.points.map((point) => point.point).join();
  useEffect(() => {
    if (points) watchPoints(points.split(','));
    return () => watchPoints([]);
  }, [points]);
  const back = <a class="back" href={hrefOf(['devices'])}><Icon name="left" />{t('devices.title')}</a>;
  if (query.error?.status === 404) return <>{back}<Card><Empty title={t('devices.notFound', {id: props.id})} /></Card></>;
  return (
    <>
      {back}
      <div class="page-head">
        <h1>{props.id}</h1>
        {mayOperate() && hasRead && query.data
          ? query.data.can_be_read ? <ReadNow id={props.id} done={query.reload} /> : <span class="hint">{t('devices.read.never')}</span>
          : null}
      </div>
      <Loaded query={query} lines={8}>
        {(data) => {
          const device = newest(data.device, live);
          const fact = (title: string, value: JSX.Element | string, more?: string) => <div class="fact"><dt>{title}</dt><dd>{value}{more ? <span class="hint block">{more}</span> : null}</dd></div>;
          return (
            <>
              <Card>
                <dl class="facts">
                  {fact(t('devices.state'), <StateBadge state={device.state} />, device.detail || (device.since ? t('devices.since', {time: ui.time(device.since)}) : undefined))}
                  {fact(t('devices.heard'), ui.ago(device.heard, at), device.heard ? ui.time(device.heard, 'full') : undefined)}
                  {fact(t('devices.errors'), ui.percent(device.error_rate_percent, 2), `${ui.integer(device.errors)} / ${ui.integer(device.polls)}`)}
                  {fact(t('devices.roundTrip'), isKnown(device.round_trip_ms) ? `${ui.number(device.round_trip_ms, 3)} ms` : '–')}
                  {fact(t('devices.line'), device.driver, isKnown(data.occupancy_percent) ? t('devices.occupancy', {percent: ui.percent(data.occupancy_percent, 1)}) : undefined)}
                </dl>
              </Card>
              <div class="columns">
                <Points points={data.points} />
                {data.points.length > 0 ? <ReadingsCard points={data.points} /> : null}
              </div>
              <CoverageCard id={props.id} />
              {mayOperate() && hasFrames ? <Frames id={props.id} /> : null}
            </>
          );
        }}
      </Loaded>
    </>
  );
}
