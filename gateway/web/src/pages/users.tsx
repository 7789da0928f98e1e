// Energy users: what each takes, from where, at what carbon; and how it went over time.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get, useQuery} from '../lib/api.ts';
import type {EnergyUser, UserPeriod} from '../lib/api_types.ts';
import {sourceColour} from '../lib/colour.ts';
import {isKnown} from '../lib/format.ts';
import {hrefOf, replaceQuery, route} from '../lib/route.ts';
import {site} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import {Card, Choice, Empty, Figure, Loaded, Shares, StaleMark, Swatch} from '../view/parts.tsx';
import {Table, type ColumnOf} from '../view/table.tsx';
import {useUi, type Ui} from '../view/ui.ts';
import {Trend} from './trend.tsx';

type When = 'today' | 'month';

function intensityOf(period: UserPeriod): number | null {
  return period.electricity_kwh > 0 ? (period.co2e_kg_scope_2 / period.electricity_kwh) * 1000 : null;
}

// Where the electricity of a user comes from.
function sourceShares(user: EnergyUser, when: When): {id: string; share: number; colour: string}[] {
  const bySupply = new Map<string, number>();
  for (const one of user.carriers) {
    if (one.flow === 'consumed' && one.carrier === 'electricity') bySupply.set(one.supply, (bySupply.get(one.supply) ?? 0) + one[when]);
  }
  const total = [...bySupply.values()].reduce((sum, amount) => sum + amount, 0);
  return total > 0 ? [...bySupply].map(([id, amount]) => ({id, share: amount / total, colour: sourceColour(id)})) : [];
}

function sharesText(user: EnergyUser, when: When, ui: Ui): string {
  return sourceShares(user, when).map((part) => `${ui.source(part.id)} ${ui.percent(part.share * 100, 0)}`).join(', ');
}

function columnsOf(ui: Ui, when: When, chosen: string): ColumnOf<EnergyUser>[] {
  const {t} = ui;
  return [
    {
      id: 'name', title: t('users.user'), header: true, sort: (user) => ui.user(user.id),
      cell: (user) => (
        <a class="name-link" href={hrefOf(['users', user.id], {...route.value.query})} aria-current={user.id === chosen ? 'true' : undefined}>
          {user.id === 'site' ? t('users.site') : user.name || user.id}
          {user.part_of ? <span class="hint block">{t('users.partOf', {name: ui.user(user.part_of)})}</span> : null}
        </a>
      ),
    },
    {id: 'power', title: t('measure.power'), number: true, sort: (user) => user.power_kw, cell: (user) => <><Figure value={user.power_kw} unit="kW" />{user.stale ? <StaleMark /> : null}</>},
    {id: 'rate', title: t('measure.rate'), number: true, sort: (user) => user.co2e_kg_per_h, cell: (user) => <><Figure value={user.co2e_kg_per_h} unit="kg/h" />{user.stale ? <StaleMark /> : null}</>},
    {id: 'electricity', title: t('measure.electricity'), number: true, sort: (user) => user[when].electricity_kwh, cell: (user) => <Figure value={user[when].electricity_kwh} unit="kWh" />},
    {id: 'kgce', title: t('measure.kgce'), number: true, sort: (user) => user[when].kgce, cell: (user) => <Figure value={user[when].kgce} unit="kgce" />},
    {id: 'scope1', title: t('measure.scope1'), number: true, sort: (user) => user[when].co2e_kg_scope_1, cell: (user) => <Figure value={user[when].co2e_kg_scope_1} unit="kg" />},
    {id: 'scope2', title: t('measure.scope2'), number: true, sort: (user) => user[when].co2e_kg_scope_2, cell: (user) => <Figure value={user[when].co2e_kg_scope_2} unit="kg" />},
    {id: 'co2e', title: t('measure.co2e'), number: true, sort: (user) => user[when].co2e_kg, cell: (user) => <Figure value={user[when].co2e_kg} u95={user[when].u95_kg} atLeast={user[when].u95_stated === 'part'} unit="kg" class="strong" />},
    {id: 'intensity', title: t('measure.intensity'), number: true, sort: (user) => intensityOf(user[when]), cell: (user) => <Figure value={intensityOf(user[when])} unit="g/kWh" digits={3} />},
    {
      id: 'sources', title: t('users.sources'), wide: true, sort: (user) => user[when].renewable_share_percent,
      cell: (user) => {
        const parts = sourceShares(user, when);
        return parts.length === 0 ? '–' : (
          <span class="sources-cell" title={sharesText(user, when, ui)}>
            <Shares parts={parts} label={t('users.sources.label', {list: sharesText(user, when, ui)})} />
            <span class="hint">{isKnown(user[when].renewable_share_percent) ? t('users.renewable', {percent: ui.percent(user[when].renewable_share_percent, 0)}) : ''}</span>
          </span>
        );
      },
    },
    {id: 'coverage', title: t('measure.coverage'), number: true, sort: (user) => user[when].coverage_percent, cell: (user) => ui.percent(user[when].coverage_percent, 1)},
  ];
}

function Carriers(props: {user: EnergyUser}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const rows = props.user.carriers;
  const columns: ColumnOf<(typeof rows)[number]>[] = [
    {id: 'carrier', title: t('users.carrier'), header: true, cell: (row) => <><Swatch colour={sourceColour(row.supply)} /> {ui.carrier(row.carrier)}</>},
    {id: 'supply', title: t('users.supply'), cell: (row) => ui.source(row.supply)},
    {id: 'flow', title: t('users.flow'), cell: (row) => t(`flow.${row.flow}`)},
    {id: 'scope', title: t('measure.scope'), cell: (row) => (row.scope ? t(row.scope === 1 ? 'measure.scope1' : 'measure.scope2') : '–')},
    {id: 'rate', title: t('users.now'), number: true, cell: (row) => <><Figure value={row.rate} unit={row.rate_unit} />{row.stale ? <StaleMark /> : null}{row.in_doubt ? <span title={t('users.doubt')}> *</span> : null}</>},
    {id: 'today', title: t('users.today'), number: true, cell: (row) => <Figure value={row.today} unit={row.unit} />},
    {id: 'month', title: t('users.month'), number: true, cell: (row) => <Figure value={row.month} unit={row.unit} />},
  ];
  return (
    <Card title={t('users.carriers')}>
      <Table label={t('users.carriers')} rows={rows} keyOf={(row) => `${row.carrier}/${row.flow}/${row.supply}/${row.scope ?? ''}`} columns={columns} />
      {rows.some((row) => row.in_doubt) ? <p class="hint">* {t('users.doubt')}</p> : null}
    </Card>
  );
}

export function UsersPage(props: {id: string | undefined}): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const {query} = useCell(route);
  const here = useCell(site);
  const list = useQuery('energy-users', (signal) => get<{at: string; energy_users: EnergyUser[]}>(['energy-users'], {}, signal), 5000);
  const when: When = query.when === 'month' ? 'month' : 'today';
  const [order, setOrder] = useState<string | undefined>(undefined);
  const id = props.id ?? list.data?.energy_users[0]?.id ?? 'site';
  if (here && here.energy_users.length === 0) return <><h1>{t('users.title')}</h1><Card><Empty title={t('users.none')} hint={t('users.none.hint')} /></Card></>;
  return (
    <>
      <div class="page-head">
        <h1>{t('users.title')}</h1>
        <Choice label={t('users.span')} value={when} onChange={(value) => replaceQuery({when: value === 'today' ? undefined : value})}
          options={[{value: 'today', text: t('users.today')}, {value: 'month', text: t('users.month')}]} />
      </div>
      <Card>
        <Loaded query={list} lines={6}>
          {(data) => <Table label={t('users.title')} rows={data.energy_users} keyOf={(user) => user.id} columns={columnsOf(ui, when, id)} order={order} onOrder={setOrder} chosen={id} pinned={(user) => user.id === 'site'} />}
        </Loaded>
      </Card>
      <Trend key={id} user={id} />
      {list.data?.energy_users.filter((user) => user.id === id).map((user) => <Carriers key={user.id} user={user} />)}
    </>
  );
}
