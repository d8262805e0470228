/** Which holes in the recorded data matter to whom. */

import type { GapRow } from './client'

/** Whether evaluations stop while a hole of this channel is open: of Hyperliquid only its candles do that. */
export function stopsEvaluations({ exchange, channel }: Pick<GapRow, 'exchange' | 'channel'>): boolean {
  return exchange === 'polymarket' || !['trade', 'bbo', 'book', 'ctx'].includes(channel)
}

/** Whether results lack something while it is open: nobody evaluates, or nobody knows what positions are worth. */
export function touchesResults(gap: Pick<GapRow, 'exchange' | 'channel'>): boolean {
  return gap.channel === 'ctx' || stopsEvaluations(gap)
}
