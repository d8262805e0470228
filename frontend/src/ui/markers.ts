/** From trades to the arrows and dots of a candle chart. */

import type { CandlePoint, TradeRow } from '../api/client'
import { signedUsd } from '../format/numbers'
import type { Marker } from './candleChart'

/** Entries as arrows in the direction of the position, exits as dots in the colour of the result, by time. */
export function markers(trades: readonly TradeRow[], candles: readonly CandlePoint[], intervalMs: number): Marker[] {
  const first = candles[0]?.t
  if (first === undefined) return []
  const found: Marker[] = []
  // What happens at a full minute is known at the close of the candle before it.
  const place = (ms: number) => Math.floor((ms - 1) / intervalMs) * intervalMs
  // No end: the chart has grown by the candles that came over the WebSocket.
  const inside = (t: number) => t >= first
  for (const trade of trades) {
    const long = trade.direction === 'LONG'
    const entry = place(trade.entry_ms)
    if (inside(entry)) {
      found.push({
        t: entry,
        shape: long ? 'arrowUp' : 'arrowDown',
        place: long ? 'below' : 'above',
        // Not green or red: it would vanish among the candles.
        colour: 'ink',
        text: '',
      })
    }
    if (trade.exit_ms === null || trade.realised_pnl === null) continue
    const exit = place(trade.exit_ms)
    if (inside(exit)) {
      const pnl = Number(trade.realised_pnl)
      found.push({
        t: exit,
        shape: 'circle',
        place: long ? 'above' : 'below',
        colour: pnl > 0 ? 'up' : pnl < 0 ? 'down' : 'ink',
        text: signedUsd(trade.realised_pnl),
      })
    }
  }
  return found.sort((a, b) => a.t - b.t)
}
