// Every device, behind which line it is, and how it answers.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get, useQuery} from '../lib/api.ts';
import type {DeviceState, Driver} from '../lib/api_types.ts';
import {isKnown} from '../lib/format.ts';
import {deviceStates, resets} from '../lib/live.ts';
import {hrefOf} from '../lib/route.ts';
import {useCell} from '../lib/state.ts';
import type {Key} from '../lib/text.ts';
import {Badge, Card, Empty, Loaded} from '../view/parts.tsx';
import {Table, type ColumnOf} from '../view/table.tsx';
import {useClock, useUi, type Ui} from '../view/ui.ts';

export function StateBadge(props: {state: DeviceState['state']}): JSX.Element {
  const {t} = useUi();
  const tone = props.state === 'online' ? 'good' : props.state === 'offline' ? 'bad' : 'info';
  return <Badge tone={tone} icon={props.state === 'online' ? 'good' : props.state === 'offline' ? 'critical' : 'info'}>{t(`devices.state.${props.state}`)}</Badge>;
}

// What the stream has said since the list was loaded.
export function newest(device: DeviceState, live: ReadonlyMap<string, DeviceState>): DeviceState {
  const heard = live.get(device.id);
  return heard && heard.polls >= device.polls ? heard : device;
}

export function lineFacts(driver: Driver, ui: Ui): string[] {
  const facts: string[] = [];
  const count = (n: number, key: Key) => n > 0 && facts.push(ui.t(key, {n: ui.integer(n)}));
  if (isKnown(driver.occupancy_percent)) facts.push(ui.t('devices.occupancy', {percent: ui.percent(driver.occupancy_percent, 1)}));
  count(driver.reconnects, 'devices.reconnects');
  count(driver.late_answers, 'devices.late');
  count(driver.dropped, 'devices.dropped');
  count(driver.noise_bytes, 'devices.noise');
  count(driver.unclaimed, 'devices.unclaimed');
  return facts;
}

function columnsOf(ui: Ui, at: number): ColumnOf<DeviceState>[] {
  const {t} = ui;
  const rank = {offline: 0, starting: 1, online: 2};
  return [
    {id: 'device', title: t('devices.device'), header: true, sort: (one) => one.id, cell: (one) => <a class="name-link" href={hrefOf(['devices', one.id])}>{one.id}</a>},
    {
      id: 'state', title: t('devices.state'), sort: (one) => rank[one.state],
      cell: (one) => <><StateBadge state={one.state} />{one.state !== 'online' && one.detail ? <span class="hint block">{one.detail}</span> : null}</>,
    },
    {id: 'heard', title: t('devices.heard'), number: true, sort: (one) => one.heard, cell: (one) => <span title={ui.time(one.heard, 'full')}>{ui.ago(one.heard, at)}</span>},
    {
      id: 'errors', title: t('devices.errors'), number: true, sort: (one) => one.error_rate_percent,
      cell: (one) => <span class={(one.error_rate_percent ?? 0) >= 5 ? 'text-bad' : ''} title={`${ui.integer(one.errors)} / ${ui.integer(one.polls)}`}>{ui.percent(one.error_rate_percent, 2)}</span>,
    },
    {id: 'trip', title: t('devices.roundTrip'), number: true, sort: (one) => one.round_trip_ms, cell: (one) => (isKnown(one.round_trip_ms) ? `${ui.number(one.round_trip_ms, 3)} ms` : '–')},
    {id: 'polls', title: t('devices.polls'), number: true, sort: (one) => one.polls, cell: (one) => ui.integer(one.polls)},
    {id: 'skipped', title: t('devices.skipped'), number: true, sort: (one) => one.skipped, cell: (one) => ui.integer(one.skipped)},
  ];
}

function Line(props: {driver: Driver; at: number; live: ReadonlyMap<string, DeviceState>}): JSX.Element {
  const ui = useUi();
  const {driver} = props;
  const [order, setOrder] = useState<string | undefined>(undefined);
  return (
    <Card title={driver.name} hint={driver.detail || undefined}
      actions={<span class="line-facts">
        <Badge tone={driver.connected ? 'good' : 'bad'}>{ui.t(driver.connected ? 'devices.connected' : 'devices.disconnected')}</Badge>
        {lineFacts(driver, ui).map((fact) => <span key={fact} class="hint">{fact}</span>)}
      </span>}>
      <Table label={driver.name} rows={driver.devices.map((one) => newest(one, props.live))} keyOf={(one) => one.id} columns={columnsOf(ui, props.at)} order={order} onOrder={setOrder} />
    </Card>
  );
}

export function DevicesPage(): JSX.Element {
  const ui = useUi();
  const live = useCell(deviceStates);
  const reset = useCell(resets);
  const at = useClock(1000);
  const list = useQuery(`devices/${reset}`, (signal) => get<{at: string; drivers: Driver[]}>(['devices'], {}, signal), 5000);
  return (
    <>
      <h1>{ui.t('devices.title')}</h1>
      <Loaded query={list} lines={8}>
        {(data) => data.drivers.every((driver) => driver.devices.length === 0)
          ? <Card><Empty title={ui.t('devices.none')} hint={ui.t('devices.none.hint')} /></Card>
          : <>{data.drivers.filter((driver) => driver.devices.length > 0).map((driver) => <Line key={driver.name} driver={driver} at={at} live={live} />)}</>}
      </Loaded>
    </>
  );
}
