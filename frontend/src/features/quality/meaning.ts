/** What a hole in a channel means for whoever reads the results. */

import type { GapRow } from '../../api/client'
import { stopsEvaluations } from '../../api/gaps'

/** What a strategy or the broker missed, by channel; that of channels which nobody decides on is not listed. */
const MISSED: Readonly<Record<string, string>> = {
  candle_1m: 'Evaluations on these candles passed.',
  ctx: 'Stops and targets crossed in it triggered at the first mark after it.',
  prob: 'Strategies on prediction markets passed once their figures were too old.',
  'hyperliquid book': 'Fills by the recorded book (fill_model: book) fell back to the fixed model.',
  'polymarket book': 'Strategies on prediction markets passed once the book was too old (stale_book).',
}

const UNREAD = 'No strategy looks at this channel.'
const FILLS = 'Fills by the recorded book (fill_model: book) fall back to the fixed model.'

export function meaning({ exchange, asset, channel, state }: Pick<GapRow, 'exchange' | 'asset' | 'channel' | 'state'>): string {
  if (state === 'open') {
    if (stopsEvaluations({ exchange, channel })) return `Strategies that need ${exchange} pass on ${asset} (gap) until it is over.`
    if (channel === 'ctx') return 'No marks meanwhile: stops and targets wait, and entries are rejected (no_price) once the mark is too old.'
    return channel === 'book' ? FILLS : UNREAD
  }
  const kept =
    state === 'filled' ? 'Fetched afterwards: backtests have the data.' : 'The venue has it no more: backtests lack it too.'
  const missed = MISSED[channel] ?? MISSED[`${exchange} ${channel}`] ?? UNREAD
  return `${kept} ${missed}`
}
