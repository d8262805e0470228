import { describe, expect, it } from 'vitest'

import type { ProbabilitySeries } from '../api/client'
import { aTrade } from '../test/builders'
import { dots, isUndrawn, polls } from './probability'

const point = (t: number, probability: number | null, bid: number | null, ask: number | null) => ({ t, probability, bid, ask })
const aSeries = (points: ProbabilitySeries['points']): ProbabilitySeries => ({
  id: '0xabc', asset: 'BTC', title: null, start_ms: 0, end_ms: 300_000, resolved_ms: null, yes_payout: null, polls: points.length, points,
})

describe('a prediction market on a chart', () => {
  it('begins with its first middle', () => {
    const empty = point(0, null, null, 0.9)
    expect(polls(aSeries([empty, point(60_000, 0.6, 0.5, 0.75)]), 'LONG').map(({ t }) => t)).toEqual([60_000])
    expect(isUndrawn(aSeries([empty]))).toBe(true)
  })

  it('turns everything for whoever holds the NO token: its bid is 1 less the ask for a YES', () => {
    expect(polls(aSeries([point(0, 0.625, 0.5, 0.75)]), 'SHORT')).toEqual([point(0, 0.375, 0.25, 0.5)])
  })

  it('shows a trade in the other token at 1 less its price, and an exit with its P&L', () => {
    const no = aTrade({ exchange: 'polymarket', direction: 'SHORT', entry_price: '0.25', exit_price: '1', realised_pnl: '3' })
    expect(dots([no], 'LONG').map(({ t, value, text }) => [t, value, text])).toEqual([
      [120_000, 0.75, 'buys NO'],
      [240_000, 0, '+3.00'],
    ])
    expect(dots([no], 'SHORT').map(({ value }) => value)).toEqual([0.25, 1])
    expect(dots([aTrade({ exit_ms: null })], 'LONG')).toHaveLength(1)
  })
})
