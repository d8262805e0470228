/** How a figure of a search is written and coloured. */

import { amount, percent, ratio } from '../../format/numbers'

const FRACTIONS = ['win_rate', 'drawdown']

export function figure(metric: string, value: number): string {
  if (FRACTIONS.includes(metric)) return percent(value, 1)
  return metric === 'pnl' || metric === 'expectancy' ? amount(value, 2) : ratio(value)
}

const METRICS: Readonly<Record<string, string>> = {
  sharpe: 'Sharpe',
  sortino: 'Sortino',
  pnl: 'P&L, USD',
  profit_factor: 'Profit factor',
  expectancy: 'Expectancy, USD',
  win_rate: 'Win rate',
  drawdown: 'Max drawdown',
}

export function metricName(metric: string): string {
  return METRICS[metric] ?? metric
}

/** Where neither side has an edge. */
function neutral(metric: string): number {
  if (metric === 'profit_factor') return 1
  return metric === 'win_rate' ? 0.5 : 0
}

/** From −1, the worst of all that is drawn, to 1, the best; one scale for both parts, so that they compare. */
export function tint(metric: string, value: number, all: readonly number[]): number {
  const middle = neutral(metric)
  const reach = Math.max(...all.map((each) => Math.abs(each - middle)), 1e-9)
  const signed = (value - middle) / reach
  return metric === 'drawdown' ? -signed : signed
}
