/** From polls and trades of a prediction market to the lines and dots of a chart. Pure. */

import type { ProbabilitySeries, TradeRow } from '../api/client'
import { signedUsd } from '../format/numbers'

export type Held = TradeRow['direction']

export interface Poll {
  t: number
  probability: number | null
  bid: number | null
  ask: number | null
}

export interface Dot {
  t: number
  value: number
  colour: string
  text: string
  /** Where the text stands, so that entry and exit of a flat trade do not meet. */
  below: boolean
}

export function isUndrawn({ points }: ProbabilitySeries): boolean {
  return points.every(({ probability }) => probability === null)
}

/**
 * The polls from the first one with a middle on (a market is polled before anybody trades on it), in terms of the token
 * `held`: one buys a NO at 1 less the bid for a YES.
 */
export function polls({ points }: ProbabilitySeries, held: Held): Poll[] {
  const drawn = points.slice(Math.max(0, points.findIndex(({ probability }) => probability !== null)))
  if (held === 'LONG') return drawn
  const other = (price: number | null) => (price === null ? null : 1 - price)
  return drawn.map(({ t, probability, bid, ask }) => ({ t, probability: other(probability), bid: other(ask), ask: other(bid) }))
}

/** Entries and exits at their prices, in terms of the token `held`; a trade in the other token is turned. */
export function dots(trades: readonly TradeRow[], held: Held): Dot[] {
  return trades.flatMap(({ direction, entry_ms, entry_price, exit_ms, exit_price, realised_pnl }) => {
    const turned = (price: string) => (direction === held ? Number(price) : 1 - Number(price))
    const entry = {
      t: entry_ms, value: turned(entry_price), colour: 'var(--ink)', text: direction === 'LONG' ? 'buys YES' : 'buys NO', below: true,
    }
    if (exit_ms === null || exit_price === null || realised_pnl === null) return [entry]
    const colour = Number(realised_pnl) > 0 ? 'var(--up)' : 'var(--down)'
    return [entry, { t: exit_ms, value: turned(exit_price), colour, text: signedUsd(realised_pnl), below: false }]
  })
}
