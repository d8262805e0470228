import { describe, expect, it } from 'vitest'

import { left, nextFundingMs } from './ahead'

const HOUR = 3_600_000

describe('what lies ahead of a position', () => {
  it('counts down in market time and is then due', () => {
    expect([left(125_000), left(0), left(-1)]).toEqual(['2 m 5 s', 'due', 'due'])
  })

  it('is the settlement that the server named until market time has passed it', () => {
    const named = { next_funding_ms: 6 * HOUR, funding_interval_ms: HOUR }
    expect(nextFundingMs(named, 6 * HOUR - 1)).toBe(6 * HOUR)
    // At the hour itself it has been settled; 2.5 hours later the next one is the third after it.
    expect(nextFundingMs(named, 6 * HOUR)).toBe(7 * HOUR)
    expect(nextFundingMs(named, 8.5 * HOUR)).toBe(9 * HOUR)
    expect(nextFundingMs({ next_funding_ms: null, funding_interval_ms: null }, 0)).toBeNull()
  })
})
