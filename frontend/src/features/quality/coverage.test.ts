import { describe, expect, it } from 'vitest'

import { aCoverageDay } from '../../test/builders'
import { calendar, floored, level } from './coverage'

describe('the coverage calendar', () => {
  it('has a row per channel and a column per day, also for days on which nothing was due', () => {
    const found = [
      aCoverageDay({ channel: 'ctx', day: '2026-10-01' }),
      aCoverageDay({ channel: 'ctx', day: '2026-10-03' }),
      aCoverageDay({ asset: 'ETH', channel: 'ctx', day: '2026-10-03' }),
    ]
    const { days, rows } = calendar(found)
    expect(days).toEqual(['2026-10-01', '2026-10-02', '2026-10-03'])
    expect(rows.map((row) => row.key)).toEqual(['hyperliquid BTC ctx', 'hyperliquid ETH ctx'])
    expect(rows[0]?.days.map((day) => day?.day)).toEqual(['2026-10-01', undefined, '2026-10-03'])
    expect(rows[1]?.days.map((day) => day?.day)).toEqual([undefined, undefined, '2026-10-03'])
    expect(calendar([])).toEqual({ days: [], rows: [] })
  })

  it('calls a day full only when no minute is missing', () => {
    const day = (covered_minutes: number) => level(aCoverageDay({ covered_minutes, fraction: covered_minutes / 1440 }))
    expect([day(1440), day(1439), day(1400), day(1000)]).toEqual(['full', 'high', 'low', 'bad'])
    expect(level(null)).toBe('none')
  })

  it('rounds per cent down, so that what is not whole is never 100', () => {
    expect([floored(1439 / 1440), floored(0.9899), floored(0.5), floored(0)]).toEqual(['99.9', '98', '50', '0'])
  })
})
