import { describe, expect, it } from 'vitest'

import { aGap } from '../../test/builders'
import { shadeAt, shades, widened } from './shading'

describe('shaded gaps', () => {
  it('that overlap are one, cut to what is shown', () => {
    const gaps = [
      aGap({ from_ms: 900, to_ms: 2_000 }),
      aGap({ asset: 'ETH', channel: 'candle_1m', from_ms: 1_500, to_ms: 2_500 }),
      aGap({ from_ms: 9_000, to_ms: null, state: 'open' }),
      aGap({ from_ms: 0, to_ms: 500 }),
    ]
    expect(shades(gaps, null, 1_000, 10_000)).toEqual([
      { from: 1_000, to: 2_500, channels: ['BTC ctx', 'ETH candle_1m'] },
      { from: 9_000, to: 10_000, channels: ['BTC ctx'] },
    ])
  })

  it('of channels that decide nothing, or of another asset, are left out', () => {
    const gaps = [aGap({ channel: 'bbo', from_ms: 1, to_ms: 2 }), aGap({ asset: 'ETH', from_ms: 1, to_ms: 2 })]
    expect(shades(gaps, 'BTC', 0, 10)).toEqual([])
  })

  it('can be seen, however short', () => {
    const found = shades([aGap({ from_ms: 500, to_ms: 501 })], null, 0, 1_000)
    expect(found).toEqual([{ from: 500, to: 501, channels: ['BTC ctx'] }])
    expect(widened(found, 0, 1_000, 500)).toEqual([{ from: 500, to: 502, channels: ['BTC ctx'] }])
    expect(shadeAt([{ from: 500, to: 502, channels: [] }], 501)).toBeDefined()
    expect(shadeAt([{ from: 500, to: 502, channels: [] }], 503)).toBeUndefined()
  })
})
