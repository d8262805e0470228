import { describe, expect, it } from 'vitest'

import { around } from './window'

const MINUTE = 60_000
const T0 = 1_741_204_500_000 // 19:55, a multiple of five minutes

describe('the candles around a trade', () => {
  it('leave half an hour on both sides of a short one', () => {
    const { interval, from, to } = around(T0, T0 + 3 * MINUTE)
    expect([interval, T0 - from, to - T0]).toEqual(['1m', 30 * MINUTE, 33 * MINUTE])
  })

  it('are wider the longer it was held, and lie on the bounds of their interval', () => {
    // Six hours: twelve before the exit and two after it are 168 candles of five minutes.
    const { interval, intervalMs, from, to } = around(T0, T0 + 360 * MINUTE)
    expect(interval).toBe('5m')
    expect([from % intervalMs, to % intervalMs]).toEqual([0, 0])
    expect((to - from) / intervalMs).toBe(168)
    expect(around(T0, T0 + 90 * 1440 * MINUTE).interval).toBe('1d')
  })
})
