/** What a hole in a channel means for whoever reads the results. */

import type { GapRow } from '../../api/client'

/** Channels that strategies or the broker decide upon, and what happens while one is silent. */
const WHILE_OPEN: Readonly<Record<string, string>> = {
  candle_1m: 'Strategies on candles pass (gap) until it is over.',
  ctx: 'No marks: stops and targets wait, and entries are refused (no price) once the last mark is too old.',
  prob: 'Strategies on prediction markets pass until the next poll.',
  book: 'Nothing is filled at book prices; strategies do not see the book.',
}
const AFTER: Readonly<Record<string, string>> = {
  candle_1m: 'evaluations of these minutes passed (gap)',
  ctx: 'stops and targets crossed in it triggered at the first mark after it',
  prob: 'strategies on prediction markets passed in it',
  book: 'no fill took book prices in it',
}

export function meaning(gap: Pick<GapRow, 'channel' | 'state'>): string {
  if (gap.state === 'open') return WHILE_OPEN[gap.channel] ?? 'No strategy decides on this channel.'
  const live = AFTER[gap.channel]
  const kept =
    gap.state === 'filled'
      ? 'The data was fetched afterwards: backtests have it.'
      : 'The venue has the data no more: backtests lack it too.'
  return live === undefined ? `${kept} No strategy decides on this channel.` : `${kept} Live, ${live}.`
}
