/** From closed one-minute candles to those of the interval that is drawn. */

import type { CandlePoint } from '../../api/client'
import type { Interval } from '../../api/client'

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
