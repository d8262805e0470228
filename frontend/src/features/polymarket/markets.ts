/** Words about one prediction market. */

import type { MarketRow } from '../../api/client'
import { span } from '../../format/times'

export const STATES = ['open', 'awaited', 'resolved'] as const

/** `opens in 2 m`, `4 m 10 s left`, `ended 3 m ago`, by the venue's time; a result says how long it took. */
export function until(market: Pick<MarketRow, 'start_ms' | 'end_ms' | 'resolved_ms'>, eventTimeMs: number | null): string {
  const { start_ms, end_ms, resolved_ms } = market
  if (resolved_ms !== null) return `resolved ${span((resolved_ms - end_ms) / 1_000)} after its end`
  if (eventTimeMs === null) return ''
  if (start_ms !== null && eventTimeMs < start_ms) return `opens in ${span((start_ms - eventTimeMs) / 1_000)}`
  const left = (end_ms - eventTimeMs) / 1_000
  return left > 0 ? `${span(left)} left` : `ended ${span(-left)} ago`
}

/** The venue's report in words: which side was paid, or that it is not known. */
export function outcome(market: Pick<MarketRow, 'state' | 'yes_payout'>): string {
  if (market.yes_payout === null) return market.state === 'awaited' ? 'awaited' : ''
  if (market.yes_payout === 1) return 'YES / Up'
  return market.yes_payout === 0 ? 'NO / Down' : `split: YES pays ${market.yes_payout}`
}
