import { createColumnHelper, metaHelper, tableFeatures } from '@tanstack/react-table'

import type { TradeRow } from '../../api/client'
import type { TradeOrder } from '../../api/trades'
import { price, signedUsd } from '../../format/numbers'
import { dayClock, span } from '../../format/times'
import { words } from '../../format/words'
import { Amount, Missing } from '../../ui/Figure'

interface Meta {
  /** The figure as the API names it: its formula is the tooltip of the heading. */
  metric?: string
  /** What else the tooltip says. */
  hint?: string
  /** What the server sorts by; columns without one are not sorted. */
  sort?: TradeOrder['sort']
  numeric?: boolean
  /** Pixels; a virtual table cannot ask the rows that it does not hold. */
  width: number
}

export const features = tableFeatures({ columnMeta: metaHelper<Meta>() })

const column = createColumnHelper<typeof features, TradeRow>()
const OPEN = 'The position is still open.'

/** What is held: a coin, or one token of a prediction market, whose title says which. */
export function instrumentName({ asset, market }: TradeRow): string {
  return market ? `${asset} ${market.outcome}` : asset
}

function Cost({ amount, sign }: { amount: string; sign: 1 | -1 }) {
  return <span className="cost">{signedUsd(sign * Number(amount))}</span>
}

export const columns = column.columns([
  column.display({
    id: 'position',
    header: 'Position',
    meta: { hint: 'Direction and what was held; of a prediction market the token and the title.', width: 220 },
    cell: ({ row: { original: trade } }) => (
      <>
        <span className={`side is-${trade.direction === 'LONG' ? 'up' : 'down'}`}>{trade.direction}</span>{' '}
        <strong>{instrumentName(trade)}</strong>
        {trade.suspect ? (
          <span className="flag" title="A fill far from the market, or a result out of proportion to the stake.">suspect</span>
        ) : null}
        <small className="below" title={trade.market?.title ?? undefined}>
          {trade.strategy}
          {trade.market?.title ? ` · ${trade.market.title}` : ''}
        </small>
      </>
    ),
  }),
  column.display({
    id: 'entry',
    header: 'Opened',
    meta: { hint: 'Market time of the entry.', sort: 'entry', width: 104 },
    cell: ({ row }) => dayClock(row.original.entry_ms),
  }),
  column.display({
    id: 'exit',
    header: 'Closed',
    meta: { hint: 'Market time of the exit, and what caused it.', sort: 'exit', width: 124 },
    cell: ({ row: { original: trade } }) =>
      trade.exit_ms === null ? (
        <span className="is-open">open</span>
      ) : (
        <>
          {dayClock(trade.exit_ms)}
          <small className="below">{words(trade.exit_reason ?? '')}</small>
        </>
      ),
  }),
  column.display({
    id: 'hold',
    header: 'Held',
    meta: { metric: 'hold', sort: 'hold', numeric: true, width: 84 },
    cell: ({ row: { original: trade } }) =>
      trade.exit_ms === null ? <Missing why={OPEN} /> : span((trade.exit_ms - trade.entry_ms) / 1_000),
  }),
  column.display({
    id: 'prices',
    header: 'Entry → exit',
    meta: { metric: 'position.entry_price', hint: 'Likewise its exit. Of a prediction market the price of the token held, 0 to 1.', numeric: true, width: 124 },
    cell: ({ row: { original: trade } }) => (
      <>
        {price(trade.entry_price)}
        <small className="below">{trade.exit_price === null ? '' : `→ ${price(trade.exit_price)}`}</small>
      </>
    ),
  }),
  column.display({
    id: 'gross',
    header: 'Price',
    meta: { metric: 'gross_pnl', numeric: true, width: 82 },
    cell: ({ row: { original: trade } }) =>
      trade.gross_pnl === null ? <Missing why={OPEN} /> : <span className="cost">{signedUsd(trade.gross_pnl)}</span>,
  }),
  column.display({
    id: 'fees',
    header: 'Fees',
    meta: { metric: 'split.fees', hint: 'So far while it is open.', sort: 'fees', numeric: true, width: 70 },
    cell: ({ row }) => <Cost amount={row.original.fees} sign={-1} />,
  }),
  column.display({
    id: 'funding',
    header: 'Funding',
    meta: { metric: 'split.funding', hint: 'So far while it is open.', sort: 'funding', numeric: true, width: 78 },
    cell: ({ row }) => <Cost amount={row.original.funding_pnl} sign={1} />,
  }),
  column.display({
    id: 'slippage',
    header: 'Slippage',
    meta: {
      metric: 'split.slippage', hint: 'It is inside the price already.',
      sort: 'slippage', numeric: true, width: 78,
    },
    cell: ({ row }) => <Cost amount={row.original.slippage_cost} sign={-1} />,
  }),
  column.display({
    id: 'pnl',
    header: 'Result',
    meta: { metric: 'realised_pnl', sort: 'pnl', numeric: true, width: 92 },
    cell: ({ row: { original: trade } }) =>
      trade.realised_pnl === null ? (
        <Missing why={OPEN} />
      ) : (
        <Amount of={trade.realised_pnl}>{signedUsd(trade.realised_pnl)}</Amount>
      ),
  }),
])
