import {
  createColumnHelper,
  createSortedRowModel,
  metaHelper,
  rowSortingFeature,
  sortFn_alphanumeric,
  tableFeatures,
} from '@tanstack/react-table'

import type { StrategyRow } from '../../api/client'
import { count, percent, ratio, signedUsd } from '../../format/numbers'
import { dayClock, span } from '../../format/times'
import { Amount, Missing } from '../../ui/Figure'
import { Spark } from './Spark'
import { Split } from './Split'
import { StrategyName } from './StrategyName'

interface Meta {
  /** The figure as the API names it: its formula is the tooltip of the heading. */
  metric?: string
  /** What else the tooltip says. */
  hint?: string
  numeric?: boolean
}

export const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric },
  columnMeta: metaHelper<Meta>(),
})

const column = createColumnHelper<typeof features, StrategyRow>()
/** A Sharpe of 30 days is off by about ±2.9 (√(252/30)) by chance alone. */
const FEW_DAYS = 30
const NO_TRADES = 'No position has been closed yet.'

function defined(value: number | null): number | undefined {
  return value ?? undefined
}

function tooFewDays(days: number): string {
  return days < 2
    ? `It rests on daily returns and needs two days; there is ${days === 1 ? 'one' : 'none'}.`
    : `All ${count(days)} daily returns are the same.`
}

export const columns = column.columns([
  column.accessor('name', {
    header: 'Strategy',
    sortFn: 'alphanumeric',
    cell: ({ row }) => <StrategyName row={row.original} />,
  }),
  column.accessor((row) => Number(row.total_pnl), {
    id: 'total_pnl',
    header: 'P&L',
    meta: { numeric: true, metric: 'total_pnl' },
    cell: ({ row }) => <Amount of={row.original.total_pnl}>{signedUsd(row.original.total_pnl)}</Amount>,
  }),
  column.display({
    id: 'spark',
    header: 'Trend',
    enableSorting: false,
    meta: { hint: 'Cumulative P&L of closed positions, by exit.' },
    cell: ({ row }) =>
      row.original.sparkline.length ? <Spark values={row.original.sparkline} /> : <Missing why={NO_TRADES} />,
  }),
  column.accessor('trades', {
    header: 'Trades',
    meta: { numeric: true, metric: 'trades', hint: 'Small: open ones.' },
    cell: ({ row }) => (
      <>
        {count(row.original.trades)}
        {row.original.open_positions ? <small className="below">{count(row.original.open_positions)} open</small> : null}
      </>
    ),
  }),
  column.accessor((row) => defined(row.win_rate), {
    id: 'win_rate',
    header: 'Win rate',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'win_rate' },
    cell: ({ row }) => (row.original.win_rate === null ? <Missing why={NO_TRADES} /> : percent(row.original.win_rate, 1)),
  }),
  column.accessor((row) => (row.profit_factor_infinite ? Infinity : defined(row.profit_factor)), {
    id: 'profit_factor',
    header: 'Profit factor',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'profit_factor', hint: 'Above 1 the gains are larger.' },
    cell: ({ row }) => {
      const { profit_factor, profit_factor_infinite, trades } = row.original
      if (profit_factor !== null) return ratio(profit_factor)
      if (profit_factor_infinite) return <span title="Gains and not one loss yet.">∞</span>
      return <Missing why={trades ? 'No closed position has gained or lost anything.' : NO_TRADES} />
    },
  }),
  column.accessor((row) => defined(row.avg_win), {
    id: 'avg_win',
    header: 'Avg win',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'avg_win' },
    cell: ({ row }) =>
      row.original.avg_win === null ? <Missing why="No closed position has gained." /> : ratio(row.original.avg_win),
  }),
  column.accessor((row) => defined(row.avg_loss), {
    id: 'avg_loss',
    header: 'Avg loss',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'avg_loss' },
    cell: ({ row }) =>
      row.original.avg_loss === null ? <Missing why="No closed position has lost." /> : ratio(row.original.avg_loss),
  }),
  column.accessor((row) => defined(row.expectancy), {
    id: 'expectancy',
    header: 'Expectancy',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'expectancy' },
    cell: ({ row }) =>
      row.original.expectancy === null ? (
        <Missing why={NO_TRADES} />
      ) : (
        <Amount of={row.original.expectancy}>{ratio(row.original.expectancy)}</Amount>
      ),
  }),
  column.accessor((row) => defined(row.sharpe), {
    id: 'sharpe',
    header: 'Sharpe',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'sharpe', hint: 'Returns on full capital. Small: days.' },
    cell: ({ row }) => {
      const { sharpe, days } = row.original
      if (sharpe === null) return <Missing why={tooFewDays(days)} />
      return (
        <span
          className={days < FEW_DAYS ? 'is-luck' : ''}
          title={`Rests on ${count(days)} days and ${count(row.original.trades)} trades.${days < FEW_DAYS ? ' So few are mostly luck.' : ''}`}
        >
          {ratio(sharpe)} <small className="below">{days === 1 ? '1 day' : `${count(days)} days`}</small>
        </span>
      )
    },
  }),
  column.accessor('max_drawdown', {
    header: 'Max DD',
    meta: { numeric: true, metric: 'max_drawdown', hint: 'Of its curve on full capital. Small: now.' },
    cell: ({ row }) => (
      <>
        {percent(row.original.max_drawdown)}
        <small className="below">now {percent(row.original.drawdown)}</small>
      </>
    ),
  }),
  column.accessor((row) => defined(row.average_hold_s), {
    id: 'hold',
    header: 'Avg hold',
    sortUndefined: 'last',
    meta: { numeric: true, metric: 'average_hold_s' },
    cell: ({ row }) =>
      row.original.average_hold_s === null ? (
        <Missing why={NO_TRADES} />
      ) : (
        <span className="nowrap">{span(row.original.average_hold_s)}</span>
      ),
  }),
  column.display({
    id: 'split',
    header: 'Made of',
    enableSorting: false,
    meta: { metric: 'realised_pnl' },
    cell: ({ row }) => (row.original.trades ? <Split split={row.original.split} /> : <Missing why={NO_TRADES} />),
  }),
  column.accessor((row) => defined(row.last_signal_ms), {
    id: 'last_signal',
    header: 'Last signal',
    sortUndefined: 'last',
    meta: { hint: 'The last LONG, SHORT or CLOSE, market time.' },
    cell: ({ row }) => {
      const { last_signal_ms, last_signal_direction, last_signal_asset } = row.original
      if (last_signal_ms === null) return <Missing why="It has been evaluated without an opinion so far, or not yet." />
      return (
        <span className="nowrap">
          {last_signal_direction} {last_signal_asset} <small className="below">{dayClock(last_signal_ms)}</small>
        </span>
      )
    },
  }),
])
