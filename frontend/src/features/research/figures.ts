/** The figures of a backtest, with what they mean: one list for the table, the comparison and the file. */

import type { BacktestRow } from '../../api/client'
import { NONE, count, percent, ratio, signedPercent, signedUsd, usd } from '../../format/numbers'
import { span } from '../../format/times'

export interface FigureSpec {
  name: string
  label: string
  hint: string
  value: (run: BacktestRow) => string | number | null
  text: (run: BacktestRow) => string
  /** Which end is better; left out where neither is. */
  better?: 'high' | 'low'
}

const maybe = (value: number | null, write: (value: number) => string) => (value === null ? NONE : write(value))

export const FIGURES: readonly FigureSpec[] = [
  { name: 'realised_pnl_usd', label: 'P&L', hint: 'USD: gross P&L less fees plus funding. Positions open at the end were closed there.', value: (run) => run.realised_pnl, text: (run) => signedUsd(run.realised_pnl), better: 'high' },
  { name: 'return_fraction', label: 'Return', hint: 'Final equity over initial capital, less one.', value: (run) => run.return_fraction, text: (run) => signedPercent(run.return_fraction), better: 'high' },
  { name: 'sharpe', label: 'Sharpe', hint: 'Mean daily return over its standard deviation, annualised. Not defined on less than two days.', value: (run) => run.sharpe, text: (run) => maybe(run.sharpe, ratio), better: 'high' },
  { name: 'sortino', label: 'Sortino', hint: 'Mean daily return over the deviation of losing days only, annualised.', value: (run) => run.sortino, text: (run) => maybe(run.sortino, ratio), better: 'high' },
  { name: 'max_drawdown_fraction', label: 'Max drawdown', hint: 'Deepest fall of equity from its running peak.', value: (run) => run.max_drawdown, text: (run) => percent(run.max_drawdown), better: 'low' },
  { name: 'trades', label: 'Trades', hint: 'Closed positions, those closed by the end included.', value: (run) => run.trades, text: (run) => count(run.trades) },
  { name: 'win_rate', label: 'Win rate', hint: 'Share of trades with a P&L above zero.', value: (run) => run.win_rate, text: (run) => maybe(run.win_rate, (value) => percent(value, 1)), better: 'high' },
  { name: 'profit_factor', label: 'Profit factor', hint: 'Sum of wins over sum of losses.', value: (run) => run.profit_factor, text: (run) => (run.profit_factor_infinite ? 'no loss' : maybe(run.profit_factor, ratio)), better: 'high' },
  { name: 'expectancy_usd', label: 'Expectancy', hint: 'Mean P&L of a trade, USD.', value: (run) => run.expectancy, text: (run) => maybe(run.expectancy, signedUsd), better: 'high' },
  { name: 'average_hold_s', label: 'Average hold', hint: 'From entry to exit.', value: (run) => run.avg_hold_s, text: (run) => maybe(run.avg_hold_s, span) },
  { name: 'gross_pnl_usd', label: 'Price', hint: 'P&L between the fill prices, before fees and funding; slippage is inside.', value: (run) => run.gross_pnl, text: (run) => signedUsd(run.gross_pnl) },
  { name: 'fees_usd', label: 'Fees', hint: 'USD paid.', value: (run) => run.fees, text: (run) => usd(run.fees) },
  { name: 'slippage_usd', label: 'Slippage', hint: 'USD lost against the reference prices, already inside price P&L.', value: (run) => run.slippage_cost, text: (run) => usd(run.slippage_cost) },
  { name: 'funding_usd', label: 'Funding', hint: 'USD; above zero it was received.', value: (run) => run.funding_pnl, text: (run) => signedUsd(run.funding_pnl) },
  { name: 'coverage_fraction', label: 'Coverage', hint: 'Share of the minutes of all assets that had a candle.', value: (run) => run.coverage, text: (run) => percent(run.coverage) },
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
