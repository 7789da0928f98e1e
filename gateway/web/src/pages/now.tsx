// The site at this moment.
import type {JSX} from 'preact';
import {useEffect} from 'preact/hooks';
import {get, useQuery} from '../lib/api.ts';
import type {Alert, Now, QuotaUse} from '../lib/api_types.ts';
import {carbonColour, sourceColour} from '../lib/colour.ts';
import {isKnown} from '../lib/format.ts';
import {alertChanges, now, rateHistory, resets} from '../lib/live.ts';
import {hrefOf} from '../lib/route.ts';
import {nameOf, site} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import {alertValue} from '../view/alert_value.ts';
import {Icon} from '../view/icon.tsx';
import {Badge, Card, Empty, Figure, Loaded, Loading, Meter, Ring, SeverityBadge, Shares, Spark, StaleMark, Swatch} from '../view/parts.tsx';
import {Sankey} from '../view/sankey.tsx';
import {useClock, useUi, type Ui} from '../view/ui.ts';

// Before the first reading nothing is known, which is not zero.
function heard(value: Now, figure: number | null): number | null {
  return value.data_age_s === null ? null : figure;
}

function RateCard(props: {value: Now}): JSX.Element {
  const ui = useUi();
  const history = useCell(rateHistory);
  const rates = history.map((one) => one.rate);
  const step = Math.max(1, Math.floor(rates.length / 150));
  const thinned = rates.filter((_, i) => (rates.length - 1 - i) % step === 0);
  return (
    <Card title={ui.t('now.rate')} class="card-rate">
      <Figure value={heard(props.value, props.value.co2e_kg_per_h)} unit="kg/h" class="figure-huge" />
      <Spark values={thinned} label={ui.t('now.rate.trend', {from: ui.time(history[0]?.at, 'time'), to: ui.time(history[history.length - 1]?.at, 'time')})} />
    </Card>
  );
}

function PowerCard(props: {value: Now}): JSX.Element {
  const ui = useUi();
  const sources = props.value.sources;
  const total = sources.reduce((sum, source) => sum + Math.max(0, source.power_kw ?? 0), 0);
  const parts = sources.map((source) => ({id: source.id, share: total > 0 ? Math.max(0, source.power_kw ?? 0) / total : 0, colour: sourceColour(source.id)}));
  const label = sources.map((source) => `${ui.source(source.id)} ${ui.quantity(source.power_kw, 'kW', 3)}`).join(', ');
  return (
    <Card title={ui.t('now.power')} class="card-power">
      <p class="lead"><Figure value={heard(props.value, props.value.power_kw)} unit="kW" class="figure-large" /> <span class="hint">{ui.t('now.power.total')}</span></p>
      <Shares parts={parts} label={label} />
      <ul class="plain-list">
        {sources.map((source) => (
          <li key={source.id} class="row">
            <Swatch colour={sourceColour(source.id)} />
            <span class="row-name">{ui.source(source.id)}</span>
            <span class="row-value">
              {source.power_kw === null ? <Figure value={heard(props.value, source.rate)} unit={source.rate_unit} /> : <Figure value={heard(props.value, source.power_kw)} unit="kW" />}{source.stale ? <StaleMark /> : null}
              <span class="row-more">{isKnown(source.g_co2e_per_kwh) ? `${ui.number(source.g_co2e_per_kwh, 3)} g/kWh` : ui.quantity(source.co2e_kg_per_h, 'kg/h', 3)}</span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function toneOf(use: QuotaUse): 'good' | 'warning' | 'bad' {
  if (use.used_percent > 100) return 'bad';
  return use.used_percent > use.elapsed_percent + 1 ? 'warning' : 'good';
}

function Quota(props: {use: QuotaUse}): JSX.Element {
  const ui = useUi();
  const {use} = props;
  const tone = toneOf(use);
  const rule = site.value?.quotas.find((one) => one.rule === use.rule);
  const of = ui.t('now.quota.of', {used: ui.quantity(use.used, use.unit, 4), quota: ui.quantity(use.quota, use.unit, 4)});
  const state = ui.t(tone === 'bad' ? 'now.quota.over' : tone === 'warning' ? 'now.quota.ahead' : 'now.quota.within');
  return (
    <li class="quota">
      <div class="quota-head">
        <span class="quota-name">{(rule && nameOf(rule, ui.lang)) || use.rule}</span>
        <Badge tone={tone === 'good' ? 'good' : tone}>{state}</Badge>
      </div>
      <Meter percent={use.used_percent} mark={use.elapsed_percent} tone={tone} label={`${of}, ${ui.percent(use.used_percent, 0)}`} />
      <div class="quota-foot">
        <span>
          {of} · <strong>{ui.percent(use.used_percent, 1)}</strong>
          {use.coverage_percent === null ? null : <span class="hint"> · {ui.t('now.quota.coverage', {percent: ui.percent(use.coverage_percent, 1)})}</span>}
        </span>
        <span class="hint">{ui.t('now.quota.elapsed', {percent: ui.percent(use.elapsed_percent, 0), period: ui.t(`period.${use.period}`)})}</span>
      </div>
    </li>
  );
}

// Today's sum, and how much of a day's quota of the whole site it is, where there is one.
function TodayCard(props: {value: Now}): JSX.Element {
  const ui = useUi();
  const {today} = props.value;
  const daily = (measure: 'amount' | 'co2e') =>
    props.value.quotas.find((one) => one.period === 'day' && one.measure === measure && one.energy_user === 'site' && (measure === 'co2e' || one.carrier === 'electricity'));
  const line = (title: string, figure: JSX.Element, use: QuotaUse | undefined) => (
    <div class="today-line">
      <span class="hint">{title}</span>
      {figure}
      {use ? <Meter percent={use.used_percent} mark={use.elapsed_percent} tone={toneOf(use)} label={`${ui.percent(use.used_percent, 0)}`} /> : null}
    </div>
  );
  return (
    <Card class="card-today" title={ui.t('users.today')} hint={today.coverage_percent === null ? null : ui.t('now.today.coverage', {percent: ui.percent(today.coverage_percent, 1)})}>
      {line(ui.t('now.today.co2e'), <Figure value={today.co2e_kg} u95={today.u95_kg} atLeast={today.u95_stated === 'part'} unit="kg" class="figure-large" />, daily('co2e'))}
      {line(ui.t('now.today.electricity'), <Figure value={today.electricity_kwh} unit="kWh" class="figure-large" />, daily('amount'))}
      {line(ui.t('now.today.kgce'), <Figure value={today.kgce} unit="kgce" />, undefined)}
    </Card>
  );
}

function RenewableCard(props: {value: Now}): JSX.Element {
  const ui = useUi();
  const share = props.value.renewable_share_percent;
  return (
    <Card title={ui.t('now.renewable')} class="card-renewable">
      <div class="renewable">
        <div class="ring-box">
          <Ring percent={share} label={ui.t('now.renewable.label', {percent: ui.percent(share)})} />
          <span class="ring-text">{ui.percent(share, share !== null && share < 10 ? 1 : 0)}</span>
        </div>
        <p class="hint">{ui.t('now.renewable.today', {percent: ui.percent(props.value.today.renewable_share_percent)})}</p>
      </div>
    </Card>
  );
}

function GridCard(props: {value: Now}): JSX.Element {
  const ui = useUi();
  const {grid} = props.value;
  return (
    <Card title={ui.t('now.grid')} class="card-grid">
      {grid
        ? <>
            <p class="lead"><Swatch colour={carbonColour(grid.g_co2e_per_kwh)} /> <Figure value={grid.g_co2e_per_kwh} unit="gCO2e/kWh" class="figure-large" /></p>
            <p class="grid-factor">{grid.factor} <span class="hint">{grid.version}</span></p>
            <p class="hint">{grid.source}{grid.live ? <> · {ui.t('now.grid.live', {time: ui.time(grid.valid_from)})}</> : null}</p>
          </>
        : <Empty icon="grid" title={ui.t('now.grid.none')} />}
    </Card>
  );
}

function CarbonLegend(): JSX.Element {
  return (
    <div class="carbon-legend" aria-hidden="true">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none">
        {Array.from({length: 50}, (_, i) => <rect key={i} x={i * 2} width={100 - i * 2} height="6" fill={carbonColour(i * 20 + 10)} />)}
      </svg>
      <div class="carbon-legend-text">{[0, 250, 500, 750, 1000].map((at) => <span key={at}>{at}</span>)}</div>
      <span class="carbon-legend-unit">gCO₂e/kWh</span>
    </div>
  );
}

function FlowCard(props: {value: Now}): JSX.Element {
  const {t} = useUi();
  const flows = props.value.flows.links.some((link) => link.power_kw > 0);
  return (
    <Card title={t('now.flow')} hint={t('now.flow.hint')} actions={<CarbonLegend />} class="card-flow">
      {flows ? <Sankey flows={props.value.flows} /> : <Empty title={t('now.flow.none')} hint={t('now.flow.none.hint')} />}
    </Card>
  );
}

function alertLine(alert: Alert, ui: Ui, at: number): JSX.Element {
  const value = alertValue(alert, ui, 4);
  return (
    <li key={alert.id || alert.rule + alert.subject} class="alert-line">
      <SeverityBadge severity={alert.severity} />
      <span class="alert-line-text">
        <strong>{nameOf(alert, ui.lang) || alert.rule}</strong>
        <span class="hint">{alert.energy_user_name || alert.subject}{value === undefined ? '' : ` · ${value}`}{alert.state === 'pending' ? ` · ${ui.t('alerts.state.pending')}` : ''}</span>
      </span>
      <span class="hint alert-line-time">{ui.ago(alert.since, at)}</span>
    </li>
  );
}

function AlertsCard(props: {value: Now}): JSX.Element {
  const ui = useUi();
  const {alerts, devices} = props.value;
  const changed = useCell(alertChanges);
  const reset = useCell(resets);
  const at = useClock(10_000);
  const counts = `${alerts.critical}/${alerts.warning}/${alerts.info}`;
  const list = useQuery(`${counts}/${reset}/${changed?.id}/${changed?.state}`, (signal) => get<{alerts: Alert[]}>(['alerts'], {state: 'active', limit: 8}, signal));
  return (
    <Card title={ui.t('now.alerts')} class="card-alerts" actions={<a class="link" href={hrefOf(['alerts'])}>{ui.t('now.alerts.all')}</a>}>
      <Loaded query={list} lines={3}>
        {(data) => data.alerts.length === 0
          ? <Empty icon="good" title={ui.t('now.alerts.none')} />
          : <ul class="plain-list">{data.alerts.map((alert) => alertLine(alert, ui, at))}</ul>}
      </Loaded>
      <p class="devices-line">
        <a href={hrefOf(['devices'])}>{ui.t('now.devices')}</a>
        <Badge tone="good">{ui.t('now.devices.online', {n: devices.online})}</Badge>
        {devices.offline > 0 ? <Badge tone="bad">{ui.t('now.devices.offline', {n: devices.offline})}</Badge> : null}
        {devices.starting > 0 ? <Badge tone="info">{ui.t('now.devices.starting', {n: devices.starting})}</Badge> : null}
      </p>
    </Card>
  );
}

export function NowPage(): JSX.Element {
  const ui = useUi();
  const value = useCell(now);
  const there = value !== undefined;
  useEffect(() => {
    if (there && performance.getEntriesByName('first-view').length === 0) performance.mark('first-view');  // a bench asks when
  }, [there]);
  if (!value) return <><h1 class="visually-hidden">{ui.t('page.now')}</h1><div class="now"><Card class="card-flow"><Loading lines={6} /></Card></div></>;
  return (
    <>
      <h1 class="visually-hidden">{ui.t('page.now')}</h1>
      {value.data_age_s === null ? <p class="banner banner-info" role="status"><Icon name="info" />{ui.t('now.noData')}</p> : null}
      <div class="now" data-at={value.at}>
        <RateCard value={value} />
        <PowerCard value={value} />
        <TodayCard value={value} />
        <FlowCard value={value} />
        <RenewableCard value={value} />
        <GridCard value={value} />
        <AlertsCard value={value} />
        <Card title={ui.t('now.quota')} class="card-quotas">
          {value.quotas.length === 0
            ? <Empty title={ui.t('now.quota.none')} hint={ui.t('now.quota.none.hint')} />
            : <ul class="plain-list">{value.quotas.map((use) => <Quota key={use.rule + use.energy_user + use.period} use={use} />)}</ul>}
        </Card>
      </div>
    </>
  );
}
