/** What a hole in a channel means for whoever reads the results. */

import type { GapRow } from '../../api/client'

/** What a strategy or the broker missed, by channel; that of channels which nobody decides on is not listed. */
const MISSED: Readonly<Record<string, string>> = {
  candle_1m: 'Evaluations on these candles passed.',
  ctx: 'Stops and targets crossed in it triggered at the first mark after it.',
  prob: 'Strategies on prediction markets passed once their figures were too old.',
  'polymarket book': 'Strategies on prediction markets passed once the book was too old (stale_book).',
}

/** While a gap of any channel is open, every strategy that needs its exchange passes on its asset. */
export function meaning({ exchange, asset, channel, state }: Pick<GapRow, 'exchange' | 'asset' | 'channel' | 'state'>): string {
  if (state === 'open') {
    const marks = channel === 'ctx' ? ' No marks meanwhile: stops and targets wait.' : ''
    return `Strategies that need ${exchange} pass on ${asset} (gap) until it is over.${marks}`
  }
  const kept =
    state === 'filled' ? 'Fetched afterwards: backtests have the data.' : 'The venue has it no more: backtests lack it too.'
  const missed = MISSED[channel] ?? MISSED[`${exchange} ${channel}`] ?? 'No strategy looks at this channel.'
  return `${kept} ${missed}`
}
