/** What lies ahead of an open position, by market time. Pure. */

import type { OpenPosition } from '../../api/client'
import { span } from '../../format/times'

/** `12 m 4 s`, or `due` once its moment has come and the next mark decides. */
export function left(ms: number): string {
  return ms <= 0 ? 'due' : span(ms / 1_000)
}

/** The next settlement after `nowMs`: what the server said, moved on by whole intervals when market time has passed it. */
export function nextFundingMs(
  { next_funding_ms: next, funding_interval_ms: interval }: Pick<OpenPosition, 'next_funding_ms' | 'funding_interval_ms'>,
  nowMs: number,
): number | null {
  if (next === null || interval === null) return null
  return next > nowMs ? next : next + (Math.floor((nowMs - next) / interval) + 1) * interval
}

/** What is held: a coin, or one token of a market. */
export function heldName({ asset, market }: Pick<OpenPosition, 'asset' | 'market'>): string {
  return market ? `${asset} ${market.outcome}` : asset
}
