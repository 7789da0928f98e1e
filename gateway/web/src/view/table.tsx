// A table that scrolls sideways on its own, sorts where columns allow it, and stacks its cells with their titles on a phone.
import type {ComponentChildren, JSX} from 'preact';
import {useUi} from './ui.ts';

export interface ColumnOf<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ComponentChildren;
  sort?: (row: Row) => number | string | null;
  number?: boolean;
  header?: boolean;  // names its row
  wide?: boolean;
}

// `order` is a column's id, or "-id" for descending.
export function sorted<Row>(rows: readonly Row[], columns: readonly ColumnOf<Row>[], order: string | undefined, pinned?: (row: Row) => boolean): Row[] {
  const descending = order?.startsWith('-') ?? false;
  const by = columns.find((column) => column.id === (descending ? order?.slice(1) : order))?.sort;
  if (!by) return [...rows];
  const direction = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const ahead = Number(pinned?.(b) ?? false) - Number(pinned?.(a) ?? false);
    if (ahead) return ahead;
    const left = by(a);
    const right = by(b);
    if (left === right) return 0;
    if (left === null) return 1;  // what is not known comes last, either way
    if (right === null) return -1;
    return direction * (typeof left === 'string' && typeof right === 'string' ? left.localeCompare(right) : left < right ? -1 : 1);
  });
}

interface Props<Row> {
  label: string;
  rows: readonly Row[];
  columns: ColumnOf<Row>[];
  keyOf: (row: Row) => string;
  order?: string | undefined;
  onOrder?: (order: string) => void;
  chosen?: string;
  pinned?: (row: Row) => boolean;
  foot?: ComponentChildren;
  class?: string;
}

export function Table<Row>(props: Props<Row>): JSX.Element {
  const {t} = useUi();
  const {columns, order, onOrder} = props;
  const id = order?.replace(/^-/, '');
  return (
    <div class={`table-box ${props.class ?? ''}`} role="group" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => {
              const current = column.id === id;
              const direction = current ? (order?.startsWith('-') ? 'descending' : 'ascending') : undefined;
              return (
                <th key={column.id} scope="col" class={column.number ? 'number' : ''} aria-sort={direction}>
                  {column.sort && onOrder
                    ? <button type="button" class="sort" title={t('common.sortBy', {column: column.title})}
                        onClick={() => onOrder(current ? (direction === 'descending' ? column.id : `-${column.id}`) : column.number ? `-${column.id}` : column.id)}>
                        {column.title}<span class="sort-mark" aria-hidden="true">{direction === 'descending' ? '↓' : direction === 'ascending' ? '↑' : ''}</span>
                      </button>
                    : column.title}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {sorted(props.rows, columns, order, props.pinned).map((row) => (
            <tr key={props.keyOf(row)} class={props.keyOf(row) === props.chosen ? 'chosen' : ''}>
              {columns.map((column) =>
                column.header
                  ? <th key={column.id} scope="row">{column.cell(row)}</th>
                  : <td key={column.id} class={(column.number ? 'number' : '') + (column.wide ? ' wide' : '')} data-title={column.title}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
        {props.foot ? <tfoot>{props.foot}</tfoot> : null}
      </table>
    </div>
  );
}
