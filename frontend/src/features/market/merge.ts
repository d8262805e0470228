/** From closed one-minute candles and trades to what the chart of one interval draws. */

import type { CandlePoint, TradeRow } from '../../api/client'
import type { Interval } from '../../api/client'
import { signedUsd } from '../../format/numbers'
import type { Marker } from '../../ui/candleChart'

export const INTERVAL_MS: Record<Interval, number> = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
  '4h': 14_400_000,
  '1d': 86_400_000,
}

/** The candle of `intervalMs` that `minute` belongs to, grown by it. `last` is the newest one so far. */
export function grown(last: CandlePoint | undefined, minute: CandlePoint, intervalMs: number): CandlePoint {
  const t = Math.floor(minute.t / intervalMs) * intervalMs
  if (last?.t !== t || intervalMs === INTERVAL_MS['1m']) return { ...minute, t }
  return {
    t,
    o: last.o,
    h: Math.max(last.h, minute.h),
    l: Math.min(last.l, minute.l),
    c: minute.c,
    // Some of these minutes may be in the answer already; the volume waits for the next one.
    v: last.v,
  }
}

/** Minutes up to here need not be added to the newest answered candle; a wider one may lack any but its first. */
export function lastMinute(t: number, intervalMs: number): number {
  return intervalMs === INTERVAL_MS['1m'] ? t : t - 1
}

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
