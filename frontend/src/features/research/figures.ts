/** The figures of a backtest, with what they mean: one list for the table, the comparison and the file. */

import type { BacktestRow } from '../../api/client'
import { NONE, count, percent, ratio, signedPercent, signedUsd, usd } from '../../format/numbers'
import { span } from '../../format/times'

export interface FigureSpec {
  name: string
  label: string
  /** Its name among the API's definitions. */
  metric?: string
  /** What else is to be known of it in a backtest. */
  hint?: string
  value: (run: BacktestRow) => string | number | null
  text: (run: BacktestRow) => string
  /** Which end is better; left out where neither is. */
  better?: 'high' | 'low'
}

const maybe = (value: number | null, write: (value: number) => string) => (value === null ? NONE : write(value))

export const FIGURES: readonly FigureSpec[] = [
  { name: 'realised_pnl_usd', label: 'P&L', metric: 'realised_pnl', hint: 'Positions open at the end were closed there.', value: (run) => run.realised_pnl, text: (run) => signedUsd(run.realised_pnl), better: 'high' },
  { name: 'return_fraction', label: 'Return', metric: 'return_fraction', value: (run) => run.return_fraction, text: (run) => signedPercent(run.return_fraction), better: 'high' },
  { name: 'sharpe', label: 'Sharpe', metric: 'sharpe', hint: 'Not defined on less than two days.', value: (run) => run.sharpe, text: (run) => maybe(run.sharpe, ratio), better: 'high' },
  { name: 'sortino', label: 'Sortino', metric: 'sortino', value: (run) => run.sortino, text: (run) => maybe(run.sortino, ratio), better: 'high' },
  { name: 'max_drawdown_fraction', label: 'Max drawdown', metric: 'max_drawdown', value: (run) => run.max_drawdown, text: (run) => percent(run.max_drawdown), better: 'low' },
  { name: 'trades', label: 'Trades', metric: 'trades', hint: 'Those closed by the end included.', value: (run) => run.trades, text: (run) => count(run.trades) },
  { name: 'win_rate', label: 'Win rate', metric: 'win_rate', value: (run) => run.win_rate, text: (run) => maybe(run.win_rate, (value) => percent(value, 1)), better: 'high' },
  { name: 'profit_factor', label: 'Profit factor', metric: 'profit_factor', value: (run) => run.profit_factor, text: (run) => (run.profit_factor_infinite ? 'no loss' : maybe(run.profit_factor, ratio)), better: 'high' },
  { name: 'expectancy_usd', label: 'Expectancy', metric: 'expectancy', value: (run) => run.expectancy, text: (run) => maybe(run.expectancy, signedUsd), better: 'high' },
  { name: 'average_hold_s', label: 'Average hold', metric: 'average_hold_s', value: (run) => run.avg_hold_s, text: (run) => maybe(run.avg_hold_s, span) },
  { name: 'gross_pnl_usd', label: 'Price', metric: 'gross_pnl', value: (run) => run.gross_pnl, text: (run) => signedUsd(run.gross_pnl) },
  { name: 'fees_usd', label: 'Fees', metric: 'split.fees', value: (run) => run.fees, text: (run) => usd(run.fees) },
  { name: 'slippage_usd', label: 'Slippage', metric: 'split.slippage', hint: 'It is inside the price P&L already.', value: (run) => run.slippage_cost, text: (run) => usd(run.slippage_cost) },
  { name: 'funding_usd', label: 'Funding', metric: 'split.funding', value: (run) => run.funding_pnl, text: (run) => signedUsd(run.funding_pnl) },
  { name: 'coverage_fraction', label: 'Coverage', metric: 'coverage', hint: 'Of candles.', value: (run) => run.coverage, text: (run) => percent(run.coverage) },
]

/** The places of the runs that are best by this figure; empty where it does not tell or all are equal. */
export function best({ better, value }: FigureSpec, runs: readonly BacktestRow[]): ReadonlySet<number> {
  const known = runs.map((run) => value(run)).map((each) => (each === null ? null : Number(each)))
  const numbers = known.filter((each) => each !== null)
  if (!better || numbers.length < 2) return new Set()
  const top = better === 'high' ? Math.max(...numbers) : Math.min(...numbers)
  if (numbers.every((each) => each === top)) return new Set()
  return new Set(known.flatMap((each, place) => (each === top ? [place] : [])))
}
