/** Which candles show a trade: itself, and as much before and after it. Pure. */

import type { Interval } from '../../api/client'

const MINUTE_MS = 60_000
const STEPS: readonly (readonly [Interval, number])[] = [
  ['1m', MINUTE_MS],
  ['5m', 5 * MINUTE_MS],
  ['15m', 15 * MINUTE_MS],
  ['1h', 60 * MINUTE_MS],
  ['4h', 240 * MINUTE_MS],
  ['1d', 1440 * MINUTE_MS],
]
/** More would be too thin to see; the narrowest interval that keeps below is taken. */
const CANDLES = 240
const LEAST_AROUND_MS = 30 * MINUTE_MS

export interface Span {
  interval: Interval
  intervalMs: number
  from: number
  to: number
}

/** `endMs`: the exit, or how far market time has come. Bounds lie on candles, so that the question stays the same. */
export function around(entryMs: number, endMs: number): Span {
  const around = Math.max(LEAST_AROUND_MS, endMs - entryMs)
  const [from, to] = [entryMs - around, endMs + Math.min(around, 4 * LEAST_AROUND_MS)]
  const [interval, intervalMs] = STEPS.find(([, ms]) => (to - from) / ms <= CANDLES) ?? ['1d', 1440 * MINUTE_MS]
  return {
    interval,
    intervalMs,
    from: Math.max(0, Math.floor(from / intervalMs) * intervalMs),
    to: Math.ceil(to / intervalMs) * intervalMs,
  }
}
