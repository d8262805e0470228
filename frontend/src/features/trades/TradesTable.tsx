import { useTable } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useMemo, useRef } from 'react'

import type { TradeRow } from '../../api/client'
import { useMeaning } from '../../api/meaning'
import type { TradeOrder } from '../../api/trades'
import { direction } from '../../format/numbers'
import { columns, features } from './columns'
import { sortedBy } from './filters'

interface Props {
  rows: TradeRow[]
  /** How many there are in all, loaded or not. */
  total: number
  order: TradeOrder
  onOrder: (order: TradeOrder) => void
  linkTo: (trade: string) => string
  hasMore: boolean
  onMore: () => void
}

const ROW_PX = 44
/** Rows beyond the visible ones: enough that a fast wheel meets no gap. */
const OVERSCAN = 14
const MORE_BEFORE_END = 120
const ARIA = { asc: 'ascending', desc: 'descending' } as const
const ARROW = { asc: '↑', desc: '↓' } as const

/** Only the rows in sight are in the page, however many there are; two empty rows keep the height of the others. */
export function TradesTable({ rows, total, order, onOrder, linkTo, hasMore, onMore }: Props) {
  const meaning = useMeaning()
  const scroller = useRef<HTMLDivElement>(null)
  // eslint-disable-next-line react-hooks/incompatible-library -- the page is not built with React's compiler
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  })
  const shown = virtual.getVirtualItems()
  const last = shown.at(-1)
  const first = shown[0]?.index ?? 0
  const end = last ? last.index + 1 : 0
  // The server has sorted and filtered: the table need not know the thousands that are out of sight.
  const visible = useMemo(() => rows.slice(first, end), [rows, first, end])
  const table = useTable({ features, columns, data: visible, getRowId: (row) => row.id })
  const nearEnd = last !== undefined && last.index >= rows.length - MORE_BEFORE_END
  useEffect(() => {
    if (nearEnd && hasMore) onMore()
  }, [nearEnd, hasMore, onMore, rows.length])
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 })
  }, [order.sort, order.order])
  const above = shown[0]?.start ?? 0
  const below = virtual.getTotalSize() - (last?.end ?? 0)
  return (
    <div ref={scroller} className="scroller trades-scroller" role="region" aria-label="Trades table" tabIndex={0}>
      <table className="table is-sortable trades-table" data-testid="trades" aria-rowcount={total + 1}>
        <colgroup>
          {columns.map((column) => (
            <col key={column.id} style={{ inlineSize: column.meta?.width }} />
          ))}
        </colgroup>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {group.headers.map((header) => {
                const meta = header.column.columnDef.meta
                const sort = meta?.sort
                const sorted = sort === order.sort ? order.order : null
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={meta?.numeric ? 'is-numeric' : ''}
                    aria-sort={sort ? (sorted ? ARIA[sorted] : 'none') : undefined}
                  >
                    {sort ? (
                      <button type="button" title={meaning(meta.metric, meta.hint)} onClick={() => { onOrder(sortedBy(order, sort)) }}>
                        <table.FlexRender header={header} />
                        <span className="arrow" aria-hidden="true">{sorted ? ARROW[sorted] : ''}</span>
                      </button>
                    ) : (
                      <span className="heading" title={meaning(meta?.metric, meta?.hint)}>
                        <table.FlexRender header={header} />
                      </span>
                    )}
                  </th>
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          <Spacer px={above} />
          {table.getRowModel().rows.map((row, place) => (
            <Line key={row.id} row={row} index={first + place} open={linkTo(row.original.id)} Cell={table.FlexRender} />
          ))}
          <Spacer px={below} />
        </tbody>
      </table>
    </div>
  )
}

type TradeTable = ReturnType<typeof useTable<typeof features, TradeRow>>

interface LineProps {
  row: ReturnType<TradeTable['getRowModel']>['rows'][number]
  index: number
  open: string
  Cell: TradeTable['FlexRender']
}

const isSame = (one: LineProps, other: LineProps) =>
  one.row.original === other.row.original && one.index === other.index && one.open === other.open

/** Kept while it is in sight: scrolling draws only the rows that come into it. */
const Line = memo(function Line({ row, index, open, Cell }: LineProps) {
  return (
    <tr
      aria-rowindex={index + 2}
      className={`row is-${direction(row.original.realised_pnl)}`}
      style={{ blockSize: ROW_PX }}
      onClick={() => { window.location.hash = open }}
    >
      {row.getAllCells().map((cell, place) => (
        <td key={cell.id} className={cell.column.columnDef.meta?.numeric ? 'is-numeric' : ''}>
          {place === 0 ? (
            <a href={open} className="row-link" onClick={(event) => { event.stopPropagation() }}>
              <Cell cell={cell} />
            </a>
          ) : (
            <Cell cell={cell} />
          )}
        </td>
      ))}
    </tr>
  )
}, isSame)

function Spacer({ px }: { px: number }) {
  if (px <= 0) return null
  return (
    <tr aria-hidden="true" className="spacer">
      <td colSpan={columns.length} style={{ blockSize: px }} />
    </tr>
  )
}
